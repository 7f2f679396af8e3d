"""One form for every key, as Chinese CRMs, forms and spreadsheets write them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from persona_warehouse.identity import normalise
from persona_warehouse.warehouse import scratch

MOBILE = "+8613812345678"
LANDLINE = "+862166668888"


@pytest.mark.parametrize(
    "raw",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "138.1234.5678",
        "138—1234—5678",
        "138\u00a01234\u00a05678",
        "+86 13812345678",
        "+86-138-1234-5678",
        "(+86)13812345678",
        "8613812345678",
        "0086 138 1234 5678",
        "008613812345678",
        "１３８１２３４５６７８",
        "＋８６　１３８－１２３４－５６７８",
        "\u202d13812345678\u202c",  # as Windows copies it from its address book
        "\ufeff13812345678",
        "手机：13812345678",
        "13812345678（张三）",
        "13812345678 转 8",
        "13812345678.0",  # as a spreadsheet gives a number
        " 13812345678\t",
        "'13812345678",
        "tel:+8613812345678",
    ],
)
def test_a_mobile_number_in_every_form(raw: str) -> None:
    assert normalise.phone_key(raw) == (MOBILE, True)


@pytest.mark.parametrize(
    "raw",
    [
        "021-66668888",
        "(021)66668888",
        "（021）6666 8888",
        "02166668888",
        "+86 21 66668888",
        "+86(0)21-66668888",
        "0086-21-66668888",
        "86-21-66668888",
        "021-66668888转123",
        "021-66668888 转 123",
        "021-66668888轉123",
        "021-66668888分机8001",
        "021-66668888（总机）",
        "021-66668888-8001",
        "021—66668888——8001",
        "021-66668888 ext. 12",
        "021-66668888x12",
        "021-66668888#12",
        "电话：021-66668888",
    ],
)
def test_a_landline_loses_its_extension_and_is_no_mobile(raw: str) -> None:
    assert normalise.phone_key(raw) == (LANDLINE, False)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0755-88886666", ("+8675588886666", False)),
        ("0571-8888 6666", ("+8657188886666", False)),
        ("400-820-8820", ("+864008208820", False)),
        ("800-810-1234", ("+868008101234", False)),
        ("+852 9123 4567", ("+85291234567", True)),
        ("+852 2123 4567", ("+85221234567", False)),
        ("+886 912 345 678", ("+886912345678", True)),
        ("+1 650-253-0000", ("+16502530000", True)),  # North America does not tell mobile from landline
        ("+44 20 7946 0958", ("+442079460958", False)),
    ],
)
def test_other_numbers(raw: str, expected: tuple[str, bool]) -> None:
    assert normalise.phone_key(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "", " ", "-", "无", "N/A", "0", "110", "10086", "95588", "66668888", "1381234567", "138123456789",
        "11111111111", "12345678901", "000000", "13812345678/13912345678", "13812345678 13912345678", "a@b.com",
        "8.613812345678E10", "+86 +86 13812345678", "1" * 400,
    ],
)  # fmt: skip
def test_what_is_no_number(raw: str) -> None:
    assert normalise.phone_key(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "zhang.san@example.com.cn",
        "Zhang.San@Example.COM.CN",
        "  zhang.san@example.com.cn\n",
        "<zhang.san@example.com.cn>",
        "mailto:zhang.san@example.com.cn",
        "张三 <zhang.san@example.com.cn>",
        '"Zhang, San" <Zhang.San@example.com.cn>',
        "zhang.san@example.com.cn.",
        "zhang.san@example.com.cn;",
        "ｚｈａｎｇ．ｓａｎ＠ｅｘａｍｐｌｅ．ｃｏｍ．ｃｎ",
        "zhang.san＠example。com。cn",
        "zhang.san@example.com.cn\u200b",
    ],
)
def test_an_address_in_every_form(raw: str) -> None:
    assert normalise.email_key(raw) == ("zhang.san@example.com.cn", "example.com.cn", False)


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("a@mail.sales.acme.co.uk", "acme.co.uk"),
        ("a@acme.cn.com", "acme.cn.com"),
        ("a+b_c@acme.cn", "acme.cn"),
        ("李雷@acme.cn", "acme.cn"),
    ],
)
def test_the_domain_of_an_address(raw: str, domain: str) -> None:
    assert normalise.email_key(raw) == (raw, domain, False)


def test_a_chinese_domain_has_one_form() -> None:
    ascii_form = ("a@xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s", False)
    assert normalise.email_key("a@例子.中国") == normalise.email_key("A@xn--fsqu00a.xn--fiqs8s") == ascii_form
    assert normalise.domain_key("https://www.例子.中国/关于") == ("xn--fsqu00a.xn--fiqs8s",)


@pytest.mark.parametrize(
    "raw",
    [
        "", "无", "-", "@", "a@", "@example.com", "example.com", "a@localhost", "a@com.cn", "a@127.0.0.1", "a@b@c.com",
        "a b@example.com", "a@exa mple.com", "a@x.com;b@y.com", "a@x.com, b@y.com", "a@example..com", "a@example.com/x",
        "a@example.com:25", "a@example.com?subject=x", "邮箱：a@example.com", "http://example.com", "13812345678",
        "a@" + "长" * 80 + ".com",
    ],
)  # fmt: skip
def test_what_is_no_address(raw: str) -> None:
    assert normalise.email_key(raw) is None


@pytest.mark.parametrize(
    "host",
    [
        "qq.com", "vip.qq.com", "foxmail.com", "163.com", "vip.163.com", "126.com", "yeah.net", "139.com", "189.cn",
        "sina.com", "sina.com.cn", "sohu.com", "aliyun.com", "21cn.com", "gmail.com", "outlook.com", "hotmail.com",
        "icloud.com", "yahoo.com.cn", "QQ.COM", "mailinator.com", "guerrillamail.com",
    ],
)  # fmt: skip
def test_free_mail(host: str) -> None:
    found = normalise.email_key(f"10001@{host}")
    assert found is not None
    assert found[2] is True
    assert normalise.company_domain_key(host) is None  # nor does it tell one company from another


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("example.com.cn", "example.com.cn"),
        ("WWW.Example.COM.CN", "example.com.cn"),
        ("https://shop.example.com.cn:8080/a?b=c#d", "example.com.cn"),
        ("http://user:word@www.example.com/", "example.com"),
        (" example.com. ", "example.com"),
        ("ｗｗｗ．ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("www.example。com", "example.com"),
        ("www.sh.gov.cn", "sh.gov.cn"),
        ("acme.github.io", "acme.github.io"),
        *((raw, None) for raw in ("", "无", "example", "com.cn", "github.io", "192.168.1.1", "公司网站")),
    ],
)
def test_domains(raw: str, expected: str | None) -> None:
    assert normalise.domain_key(raw) == (None if expected is None else (expected,))
    assert normalise.company_domain_key(raw) == normalise.domain_key(raw)


@pytest.mark.parametrize(
    "raw", ["https://shop1234.1688.com", "acme.tmall.com", "http://weibo.com/acme", "www.zhihu.com"]
)
def test_a_page_on_a_platform_is_no_domain_of_a_company(raw: str) -> None:
    assert normalise.domain_key(raw) is not None
    assert normalise.company_domain_key(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "91110000600037341L",
        "91110000600037341l",
        " 9111 0000 6000 37341L ",
        "91110000-600037341-L",
        "９１１１００００６０００３７３４１Ｌ",
    ],
)
def test_a_credit_code_in_every_form(raw: str) -> None:
    assert normalise.credit_code_key(raw) == ("91110000600037341L",)


@pytest.mark.parametrize(
    "raw", ["", "无", "91110000600037341X", "9111000060003734", "110108001234567", "91110000600037341LL", "0" * 18]
)
def test_what_is_no_credit_code(raw: str) -> None:
    assert normalise.credit_code_key(raw) is None


@pytest.fixture
def staging() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as connection:
        connection.execute("""
        create schema staging;
        create table staging.stg_crm__contacts as select 'A@x.com' as email, '13812345678' as phone,
            '采购经理' as job_title, '采购部' as department;
        create table staging.stg_crm__leads as select 'a@X.com' as email, null::varchar as phone,
            '采购经理' as job_title, null::varchar as department;
        create table staging.stg_crm__company_enrichment as select 'worse' as uscc;
        create table staging.stg_website__events as select 'nonsense' as email, '无' as phone
            union all select null, null;
        create table staging.stg_crm__companies as select 'x.com' as domain, 'http://x.com' as website, 'bad' as uscc
        """)
        yield connection


def test_only_values_that_no_earlier_night_saw_are_normalised(
    staging: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(one: normalise.Dictionary) -> normalise.Dictionary:
        def ask(raw: str) -> tuple[object, ...] | None:
            asked.append(raw)
            return one.normalise(raw)

        return normalise.Dictionary(one.name, one.columns, one.raw_values, ask)

    monkeypatch.setattr(normalise, "DICTIONARIES", tuple(noted(one) for one in normalise.DICTIONARIES))
    normalise.update_dictionaries(staging)
    keys = ["A@x.com", "a@X.com", "nonsense", "13812345678", "无", "x.com", "http://x.com", "bad", "worse"]
    assert sorted(asked) == sorted([*keys, "采购经理", "采购部"])
    asked.clear()
    normalise.update_dictionaries(staging)
    assert asked == []
    staging.execute("insert into staging.stg_crm__leads values ('b@x.com', '+8613812345678', null, null)")
    normalise.update_dictionaries(staging)
    assert sorted(asked) == ["+8613812345678", "b@x.com"]

    assert staging.execute("select * from identity.emails order by raw").fetchall() == [
        ("A@x.com", "a@x.com", "x.com", False),
        ("a@X.com", "a@x.com", "x.com", False),
        ("b@x.com", "b@x.com", "x.com", False),
        ("nonsense", None, None, None),
    ]
    assert staging.execute("select * from identity.phones order by raw").fetchall() == [
        ("+8613812345678", MOBILE, True),
        ("13812345678", MOBILE, True),
        ("无", None, None),
    ]
    assert staging.execute("select * from identity.credit_codes order by raw").fetchall() == [
        ("bad", None),
        ("worse", None),
    ]
    assert staging.execute("select raw, seniority, job_function from identity.titles order by raw").fetchall() == [
        ("采购经理", "manager", "purchasing"),
        ("采购部", "unknown", "purchasing"),
    ]
