"""Every rule by which raw text becomes a landing type, and what is said of text that does not."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.mapping import Mapping, Money
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.warehouse import identifier, scratch

# a column of each type: stream, object, column
COLUMNS = {
    "text": ("crm", "deals", "name"),
    "decimal": ("crm", "deals", "amount"),
    "integer": ("crm", "companies", "employee_count"),
    "boolean": ("crm", "deals", "is_won"),
    "timestamp": ("crm", "deals", "created_at"),
    "date": ("wechat", "daily_follower_stats", "ref_date"),
    "json": ("wechat", "followers", "tag_ids"),
}
# what stands in required columns that a test does not speak of
REQUIRED = {"name": "n", "ref_date": "2026-01-01", "user_source": "0"}
SHANGHAI = ZoneInfo("Asia/Shanghai")

Row = dict[str, Any]


def rows(object_name: tuple[str, str], records: list[dict[str, str | None]], **mapping: Any) -> list[Row]:
    """Records of raw texts, typed; `row_errors` as a list, empty for a good row."""
    shape = contract(*object_name)
    names = list(records[0])
    with scratch() as connection:
        columns = {f"raw {name}": pa.array([record[name] for record in records], pa.string()) for name in names}
        connection.register("raw", pa.table({"source_row": list(range(1, len(records) + 1)), **columns}))
        query = typed_query(
            shape,
            "raw",
            {name: (identifier(f"raw {name}"), "VARCHAR") for name in names},
            Mapping(columns={}, **mapping),
            origin="deals.csv",
            raw_row="json_object(" + ", ".join(f"'{name}', {identifier(f'raw {name}')}" for name in names) + ")",
        )
        table = connection.execute(f"select * from ({query}) order by source_row").to_arrow_table()
    assert table.schema == landing_schema(*object_name)
    found = table.to_pylist()
    for row in found:
        row["row_errors"] = json.loads(row["row_errors"] or "[]")
    return found


def typed(kind: str, texts: list[str | None], **settings: Any) -> list[Any]:
    """The values that texts become in a column of a type; None where they are empty or cannot be typed.

    Settings of that column are given without its name: formats, money, values.
    """
    stream, name, column = COLUMNS[kind]
    mapping = {
        key: {column: value} if key in ("formats", "money", "values") else value for key, value in settings.items()
    }
    others = {key: REQUIRED.get(key, "k") for key in contract(stream, name).required if key != column}
    found = rows((stream, name), [{column: text, **others} for text in texts], **mapping)
    for row, text in zip(found, texts, strict=True):
        refused = row[column] is None and bool(text and text.strip(" \t\r\n　"))
        rules = [(error["field"], error["rule"]) for error in row["row_errors"]]
        assert rules in ([], [(column, f"not_{kind}")]), (text, rules)
        assert refused is bool(rules) or "values" in settings, (text, row)
    return [row[column] for row in found]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


NUMBERS = [
    ("1234.50", "1234.5"),
    ("1,234.50", "1234.5"),
    ("1,234,567", "1234567"),
    ("1,0000,0000", "100000000"),
    ("1 234 567.5", "1234567.5"),
    ("1\u00a0234", "1234"),
    ("$22,700.00", "22700"),
    ("US$1.5m", "1500000"),
    ("HK$ 5K", "5000"),
    ("-$5", "-5"),
    ("$-5", "-5"),
    ("(1,200)", "-1200"),
    ("（1,200）", "-1200"),
    ("($1,200.00)", "-1200"),
    ("+7", "7"),
    ("1.2亿", "120000000"),
    ("１．２億", "120000000"),
    ("350万", "3500000"),
    ("350 万元", "3500000"),
    ("人民币100万元", "1000000"),
    ("3千万", "30000000"),
    ("-2百万", "-2000000"),
    ("2bn", "2000000000"),
    ("１２３．５", "123.5"),
    ("￥１，０００", "1000"),
    (".5", "0.5"),
    ("1.2E+08", "120000000"),
    ("1e-05", "0.00001"),
    ("0", "0"),
    ("-0", "0"),
    ("\t 7 \r\n", "7"),
    ("　8　", "8"),
    ("0.1234567", "0.123457"),
    ("99999999999999999999999999999999", "99999999999999999999999999999999"),
]


def test_a_number_is_read_as_people_write_it() -> None:
    found = typed("decimal", [text for text, _ in NUMBERS])
    assert found == [Decimal(number) for _, number in NUMBERS]


NO_NUMBERS = [
    "1,2", "12,34", "1,234,56", "1234,567", "1.2.3", "1,234.5,6", "€5,5", "5.", "--5", "(5", "5)", "-(5)", "3元5",
    "1$2", "5 10", "约5万", "1万5", "元", "面议", "NaN", "inf", "1_000", "٣", "5%", "0x1F", "1e", "1e999",
    "100000000000000000000000000000000",
]  # fmt: skip


def test_what_is_no_number_is_refused_and_never_guessed() -> None:
    assert typed("decimal", NO_NUMBERS) == [None] * len(NO_NUMBERS)


@pytest.mark.parametrize("kind", [kind for kind in COLUMNS if kind != "date"])
def test_blanks_are_empty_in_every_type_and_no_error(kind: str) -> None:
    assert typed(kind, [None, "", "  ", "\t", "　"]) == [None] * 5


@pytest.mark.parametrize(
    ("pattern", "text", "number"),
    [
        ("#.##0,00 €", "1.234,50", "1234.5"),
        ("#.##0,00 €", "1.234,50 €", "1234.5"),
        ("#.##0,00 €", "1.234", "1234"),
        ("#.##0,00 €", "1,5", "1.5"),
        ("0,00", "12,5", "12.5"),
        ("#,##0", "1,234", "1234"),
        ("$#,##0.00", "1,234.5", "1234.5"),
        ({"format": "#,##0.00", "scale": 1_000_000}, "1100.04", "1100040000"),
        ({"scale": 1_000}, "1,234.5", "1234500"),
        ({"scale": 10_000}, "1.2", "12000"),
        ({"scale": 10_000}, "1.2万", "120000000"),
        ({"scale": "0.01"}, "12345", "123.45"),
        ({"format": "#.##0,00", "scale": 1_000}, "1.234,5", "1234500"),
    ],
)
def test_a_money_pattern_says_where_the_decimals_are_and_the_scale(pattern: Any, text: str, number: str) -> None:
    assert typed("decimal", [text], money=pattern) == [Decimal(number)]


def test_a_decimal_point_under_a_decimal_comma_is_refused() -> None:
    assert typed("decimal", ["1,234.50", "1.5", "12.34"], money="#.##0,00 €") == [None, None, None]


@pytest.mark.parametrize(
    ("own", "amount", "pattern", "default", "currency"),
    [
        ("usd", "¥5", "€#,##0", "GBP", "USD"),
        ("人民币", "5", None, None, "CNY"),
        ("RMB", "5", None, None, "CNY"),
        ("KRW", "5", None, None, "KRW"),
        (None, "¥5", "€#,##0", "GBP", "CNY"),
        (None, "￥5", None, None, "CNY"),
        (None, "HK$5", None, None, "HKD"),
        (None, "-US$5", None, None, "USD"),
        (None, "5万美元", None, None, "USD"),
        (None, "$5", None, None, "USD"),
        (None, "5 eur", None, None, "EUR"),
        (None, "£5", None, None, "GBP"),
        (None, "5日元", None, None, "JPY"),
        (None, "5", "€#,##0", "GBP", "EUR"),
        (None, "5", {"format": "#,##0", "currency": "usd"}, "GBP", "USD"),
        (None, "5", None, "GBP", "GBP"),
        (None, "5", None, "人民币", "CNY"),
        (None, "5", None, None, None),
        (None, None, "€#,##0", "GBP", None),
    ],
)
def test_a_currency_comes_from_its_column_the_amount_the_pattern_or_the_default(
    own: str | None, amount: str | None, pattern: Any, default: str | None, currency: str | None
) -> None:
    money = {"amount": pattern} if pattern else {}
    record = {"deal_id": "d", "amount": amount, "currency": own}
    assert rows(("crm", "deals"), [record], money=money, currency=default)[0]["currency"] == currency


def test_of_two_amounts_the_first_that_names_a_currency_decides() -> None:
    record = {"company_id": "c", "name": "n", "annual_revenue": "1亿", "total_funding": "$5M"}
    assert rows(("crm", "companies"), [record], currency="CNY")[0]["currency"] == "USD"


WHOLE_NUMBERS = [
    ("12", 12), ("12.0", 12), ("1.2万", 12_000), ("1,234", 1_234), ("１２", 12), ("-3", -3), ("2E3", 2_000),
    ("9223372036854775807", 9_223_372_036_854_775_807),
    ("12.5", None), ("1,2", None), ("50-100", None), ("1,000+", None), ("9223372036854775808", None),
]  # fmt: skip


def test_whole_numbers() -> None:
    assert typed("integer", [text for text, _ in WHOLE_NUMBERS]) == [number for _, number in WHOLE_NUMBERS]


def test_whole_numbers_take_a_pattern_too() -> None:
    assert typed("integer", ["1.234"], money="#.##0,00") == [1234]


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["true", "TRUE", "t", "Yes", "y", "1", "1.0", "是", "有", "已", "１"], True),
        (["false", "False", "f", "NO", "n", "0", "0.0", "否", "无", "未"], False),
        (["2", "maybe", "on", "✓", "已赢单"], None),
    ],
)
def test_yes_and_no_in_two_languages(texts: list[str], value: bool | None) -> None:
    assert typed("boolean", texts) == [value] * len(texts)


TIMES = [
    # local time, in the business time zone
    ("2026-03-05", utc(2026, 3, 4, 16)),
    ("2026-3-5", utc(2026, 3, 4, 16)),
    ("2026-03-05 14:20", utc(2026, 3, 5, 6, 20)),
    ("2026-03-05T14:20", utc(2026, 3, 5, 6, 20)),
    ("2026-03-05 14:20:30", utc(2026, 3, 5, 6, 20, 30)),
    ("2026-03-05 14:20:30.123456", utc(2026, 3, 5, 6, 20, 30, 123456)),
    ("2026/3/5", utc(2026, 3, 4, 16)),
    ("2026/03/05 14:20", utc(2026, 3, 5, 6, 20)),
    ("2026/3/5 14:20:30", utc(2026, 3, 5, 6, 20, 30)),
    ("2026.3.5", utc(2026, 3, 4, 16)),
    ("20260305", utc(2026, 3, 4, 16)),
    ("20260305142030", utc(2026, 3, 5, 6, 20, 30)),
    ("2026年3月5日", utc(2026, 3, 4, 16)),
    ("2026年03月05日 14:20", utc(2026, 3, 5, 6, 20)),
    ("2026年3月5日14:20:30", utc(2026, 3, 5, 6, 20, 30)),
    ("２０２６／３／５　１４：２０", utc(2026, 3, 5, 6, 20)),
    # with an offset of its own
    ("2026-03-05T14:20:30Z", utc(2026, 3, 5, 14, 20, 30)),
    ("2026-03-05 14:20:30 UTC", utc(2026, 3, 5, 14, 20, 30)),
    ("2026-03-05 14:20:30.5 GMT", utc(2026, 3, 5, 14, 20, 30, 500000)),
    ("2026-03-05T14:20:30+08:00", utc(2026, 3, 5, 6, 20, 30)),
    ("2026-03-05T14:20:30.000+0800", utc(2026, 3, 5, 6, 20, 30)),
    ("2026-03-05 14:20:30 +08:00", utc(2026, 3, 5, 6, 20, 30)),
    ("2026-03-05 14:20:30-05", utc(2026, 3, 5, 19, 20, 30)),
    ("9999-12-31", utc(9999, 12, 30, 16)),
]


def test_a_time_is_read_without_being_told_how() -> None:
    assert typed("timestamp", [text for text, _ in TIMES]) == [moment for _, moment in TIMES]


NO_TIMES = [
    "10/20/2016", "1/2/2026", "20.10.2016", "26/3/5", "2026-13-01", "2026-02-30", "2026-03-05 25:00", "2026", "2026-03",
    "202631", "1767225600", "46027", "now", "today", "epoch", "infinity", "0001-01-01", "0000-00-00 00:00:00",
    "290000-01-01", "2026-03-05 上午10:00", "2026-03-05 14:20:30 Asia/Tokyo", "2026-01-02 (BC)",
]  # fmt: skip


def test_a_time_that_may_mean_several_things_is_refused_without_a_format() -> None:
    assert typed("timestamp", NO_TIMES) == [None] * len(NO_TIMES)


def test_local_times_are_of_the_source_s_zone_in_summer_and_winter() -> None:
    moments = typed("timestamp", ["2026-01-02 10:00", "2026-07-02 10:00"], timezone="America/New_York")
    assert moments == [utc(2026, 1, 2, 15), utc(2026, 7, 2, 14)]


@pytest.mark.parametrize(
    ("formats", "text", "moment"),
    [
        ("%m/%d/%Y", "10/20/2016", utc(2016, 10, 19, 16)),
        ("%m/%d/%Y", "1/2/2026", utc(2026, 1, 1, 16)),
        ("%d/%m/%Y", "1/2/2026", utc(2026, 1, 31, 16)),
        ("%d %b, %Y %H:%M:%S", "5 Mar, 2026 10:11:12", utc(2026, 3, 5, 2, 11, 12)),
        ("%Y-%m-%d %I:%M %p", "2026-03-05 10:11 PM", utc(2026, 3, 5, 14, 11)),
        (["%m/%d/%Y", "%d.%m.%Y"], "20.10.2016", utc(2016, 10, 19, 16)),
        ("%Y-%m-%d %H:%M:%S %z", "2026-01-02 10:00:00 +0500", utc(2026, 1, 2, 5)),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-02T10:00:00Z", utc(2026, 1, 2, 10)),
        ("%Y-%m-%dT%H:%M:%SZ", "2026-01-02T10:00:00Z", utc(2026, 1, 2, 10)),
        ("unix", "1767225600", utc(2026, 1, 1)),
        ("unix", "1767225600.5", utc(2026, 1, 1, 0, 0, 0, 500000)),
        ("unix", "-1", utc(1969, 12, 31, 23, 59, 59)),
        ("unix_ms", "1767225600123", utc(2026, 1, 1, 0, 0, 0, 123000)),
        ("unix_us", "1767225600123456", utc(2026, 1, 1, 0, 0, 0, 123456)),
        (["%Y-%m-%d", "unix"], "1767225600", utc(2026, 1, 1)),
        (["unix", "%Y-%m-%d"], "2026-01-02", utc(2026, 1, 1, 16)),
    ],
)
def test_formats_say_how_times_are_written(formats: Any, text: str, moment: datetime) -> None:
    assert typed("timestamp", [text], formats=formats) == [moment]


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        ("%m/%d/%Y", "13/13/2016"),
        ("%m/%d/%Y", "2016-10-20"),
        (["%m/%d/%Y", "%d.%m.%Y"], "2016"),
        ("unix", "yesterday"),
        ("unix", "1767225600000"),  # milliseconds
        ("unix", "99999999999999999999"),
        ("unix", "nan"),
        ("unix_us", "1e300"),
    ],
)
def test_with_formats_nothing_else_is_taken(formats: Any, text: str) -> None:
    assert typed("timestamp", [text], formats=formats) == [None]


def test_an_error_names_the_formats_that_were_expected() -> None:
    record = {"deal_id": "d", "created_at": "2016-10-20"}
    row = rows(("crm", "deals"), [record], formats={"created_at": ["%m/%d/%Y", "unix"]})[0]
    assert row["row_errors"] == [
        {
            "field": "created_at",
            "rule": "not_timestamp",
            "expected": "timestamp as %m/%d/%Y or unix",
            "found": "2016-10-20",
        }
    ]


def test_a_date_is_the_day_in_the_business_time_zone() -> None:
    texts = ["2026-01-02", "20260102", "2026年1月2日", "2026-01-01T23:00:00Z", "2026-01-02 23:00:00", "10/20/2016"]
    assert typed("date", texts) == [date(2026, 1, 2)] * 5 + [None]
    assert typed("date", ["02.01.2026"], formats="%d.%m.%Y") == [date(2026, 1, 2)]


def test_json_is_kept_as_it_is_or_refused() -> None:
    assert typed("json", ["[1, 2]", '{"a": "是"}', "{", "{'a': 1}"]) == ["[1, 2]", '{"a": "是"}', None, None]


def test_text_is_trimmed_and_otherwise_left_alone() -> None:
    texts = [" 张三　", "a  b", "Ａ１", 'it\'s "so"', "x\ny", "0012", "NULL"]
    assert typed("text", texts) == ["张三", "a  b", "Ａ１", 'it\'s "so"', "x\ny", "0012", "NULL"]


def test_values_replace_whole_words_before_typing() -> None:
    words = {"赢单": "yes", "输单": "no", "N/A": None, "it's": "yes"}
    assert typed("boolean", ["赢单", " 输单 ", "N/A", "it's", "是"], values=words) == [True, False, None, True, True]
    assert typed("text", ["technolgy", "Technolgy"], values={"technolgy": "technology"}) == ["technology", "Technolgy"]
    assert typed("decimal", ["面议", "5"], values={"面议": None}) == [None, Decimal(5)]


def test_constants_stand_in_every_row_and_over_the_source() -> None:
    constants = {"country": "中国", "currency": "CNY", "is_deleted": "no", "founded_year": "1998", "company_id": "c-1"}
    found = rows(
        ("crm", "companies"), [{"name": "a", "country": "DE"}, {"name": "b", "country": None}], constants=constants
    )
    for row in found:
        assert (row["country"], row["currency"], row["is_deleted"]) == ("中国", "CNY", False)
        assert (row["founded_year"], row["company_id"], row["row_errors"]) == (1998, "c-1", [])


def test_an_empty_required_column_is_an_error_and_the_raw_row_is_kept() -> None:
    row = rows(("crm", "deals"), [{"deal_id": " ", "amount": "5"}])[0]
    assert row["row_errors"] == [{"field": "deal_id", "rule": "required", "expected": "a value", "found": "empty"}]
    assert json.loads(row["raw_row"]) == {"deal_id": " ", "amount": "5"}


def test_a_required_value_that_cannot_be_typed_is_one_error() -> None:
    row = rows(("crm", "deal_stage_history"), [{"deal_id": "d", "stage": "s", "entered_at": "1/2/2026"}])[0]
    assert [(error["field"], error["rule"]) for error in row["row_errors"]] == [("entered_at", "not_timestamp")]


def test_a_required_column_that_the_source_lacks_is_an_error_in_every_row() -> None:
    row = rows(("crm", "deal_stage_history"), [{"deal_id": "d", "stage": "s"}])[0]
    assert [(error["field"], error["rule"]) for error in row["row_errors"]] == [("entered_at", "required")]


def test_every_error_of_a_row_is_told_and_its_good_values_stay() -> None:
    record = {
        "deal_id": None,
        "amount": "五",
        "name": "合同",
        "created_at": "1/2/2026",
        "is_won": "maybe",
        "currency": "usd",
    }
    row = rows(("crm", "deals"), [record])[0]
    found = {error["field"]: (error["rule"], error["found"]) for error in row["row_errors"]}
    assert found == {
        "deal_id": ("required", "empty"),
        "amount": ("not_decimal", "五"),
        "created_at": ("not_timestamp", "1/2/2026"),
        "is_won": ("not_boolean", "maybe"),
    }
    assert (row["name"], row["currency"], row["source_file"], row["source_row"]) == ("合同", "USD", "deals.csv", 1)


def test_a_good_row_carries_no_raw_row() -> None:
    row = rows(("crm", "deals"), [{"deal_id": "d"}])[0]
    assert (row["row_errors"], row["raw_row"]) == ([], None)


def test_what_was_found_is_cut_at_80_characters() -> None:
    row = rows(("crm", "deals"), [{"deal_id": "d", "amount": "x" * 500}])[0]
    assert row["row_errors"][0]["found"] == "x" * 80


# properties, over seeded random values


def groups(digits: str, size: int) -> str:
    first = len(digits) % size or size
    return ",".join([digits[:first], *(digits[at : at + size] for at in range(first, len(digits), size))])


def full_width(text: str) -> str:
    return text.translate(str.maketrans("0123456789.,-+()", "０１２３４５６７８９．，－＋（）"))


def test_every_way_to_write_a_number_gives_that_number() -> None:
    dice = random.Random(20_261_120)
    texts, numbers = [], []
    for _ in range(2_000):
        whole, decimals = str(dice.randrange(10 ** dice.randint(1, 15))), dice.choice(["", "5", "25", "123456"])
        unit, power = dice.choice([("", 0), ("万", 4), ("亿", 8), ("k", 3), ("M", 6)])
        sign, opening, closing = dice.choice([(1, "", ""), (1, "+", ""), (-1, "-", ""), (-1, "(", ")")])
        before, after = dice.choice([("", ""), ("$", ""), ("¥ ", ""), ("", "元"), ("", " EUR"), ("HK$", "")])
        written = dice.choice([whole, groups(whole, 3), groups(whole, 4)]) + (f".{decimals}" if decimals else "")
        text = f"{opening}{before}{written}{unit}{after}{closing}"
        texts.append(dice.choice([text, f" {text}\t", full_width(text)]))
        numbers.append(sign * Decimal(f"{whole}.{decimals or 0}") * 10**power)
    assert typed("decimal", texts) == numbers


def test_a_number_with_one_wrong_character_is_never_another_number() -> None:
    dice = random.Random(7)
    texts = []
    for _ in range(1_000):
        whole = groups(str(dice.randrange(1_000, 10**12)), 3)
        at = dice.randrange(1, len(whole))
        texts.append(whole[:at] + dice.choice("x?/;:#_¥元\"'＃～") + whole[at:])
    assert typed("decimal", texts) == [None] * len(texts)


def test_every_way_to_write_a_time_gives_that_time() -> None:
    dice = random.Random(20_261_121)
    texts: dict[str | None, list[tuple[str, datetime]]] = {
        None: [],
        "%d %b, %Y %H:%M:%S": [],
        "unix": [],
        "unix_ms": [],
    }
    for _ in range(500):
        moment = utc(1992, 1, 1) + timedelta(seconds=dice.randrange(40 * 365 * 86_400))
        local = moment.astimezone(SHANGHAI)
        day, minute = local.replace(hour=0, minute=0, second=0), local.replace(second=0)
        offset = moment.astimezone(ZoneInfo(dice.choice(["UTC", "Asia/Tokyo", "America/New_York", "Asia/Kolkata"])))
        texts[None] += [
            (local.strftime("%Y-%m-%d"), day),
            (local.strftime("%Y-%m-%d %H:%M:%S"), local),
            (local.strftime("%Y/%m/%d %H:%M"), minute),
            (f"{local.year}/{local.month}/{local.day} {local.hour}:{local.minute}", minute),
            (f"{local.year}年{local.month}月{local.day}日 {local:%H:%M:%S}", local),
            (full_width(local.strftime("%Y-%m-%d")), day),
            (offset.isoformat(), moment),
            (offset.strftime("%Y-%m-%d %H:%M:%S %z"), moment),
            (moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment),
        ]
        texts["%d %b, %Y %H:%M:%S"].append((local.strftime("%d %b, %Y %H:%M:%S"), local))
        texts["unix"].append((str(int(moment.timestamp())), moment))
        texts["unix_ms"].append((str(int(moment.timestamp() * 1000)), moment))
    for formats, pairs in texts.items():
        settings = {"formats": formats} if formats else {}
        assert typed("timestamp", [text for text, _ in pairs], **settings) == [moment for _, moment in pairs]


# what can be said against a mapping before a file is opened


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"columns": {"ammount": "Amount"}}, "ammount", ["does not exist", "nearest: amount", "`columns:`"]),
        ({"formats": {"craeted_at": "%Y"}}, "craeted_at", ["does not exist", "created_at", "`formats:`"]),
        ({"values": {"stag": {"a": "b"}}}, "stag", ["does not exist", "stage"]),
        ({"constants": {"land": "CN"}}, "land", ["does not exist"]),
        ({"formats": {"amount": "%Y"}}, "amount", ["another type", "date or timestamp", "decimal"]),
        ({"money": {"name": "#,##0"}}, "name", ["another type", "decimal or integer", "text"]),
        ({"formats": {"created_at": "%Q"}}, "created_at", ["time format", "%Q"]),
        ({"formats": {"created_at": ["%Y", "DD/MM/YYYY"]}}, "created_at", ["time format", "DD/MM/YYYY"]),
        ({"money": {"amount": "$"}}, "amount", ["money pattern", "'$'"]),
        ({"money": {"amount": {"scale": 0}}}, "amount", ["scale such as"]),
        ({"money": {"amount": {"scale": 12}}}, "amount", ["scale such as"]),
        ({"money": {"amount": {"scale": "mio"}}}, "amount", ["scale such as"]),
        ({"money": {"amount": {"fromat": "#"}}}, "amount", ["fromat"]),
        ({"money": {"amount": {"currency": "dollars"}}}, "amount", ["ISO 4217"]),
        ({"currency": "dollars"}, None, ["ISO 4217", "'dollars'", "`currency:`"]),
        ({"timezone": "Asia/Shangai"}, None, ["time zone", "Asia/Shangai"]),
        ({"constants": {"is_won": "perhaps"}}, "is_won", ["a constant", "yes or no", "perhaps"]),
        ({"constants": {"amount": "a lot"}}, "amount", ["a constant", "a number", "a lot"]),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(settings: dict[str, Any], field: str | None, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        check_mapping(contract("crm", "deals"), Mapping(**{"columns": {}, **settings}))
    error = caught.value
    assert (error.source, error.object, error.field) == ("crm", "deals", field)
    assert all(word in str(error) for word in words), str(error)
    assert error.expected and error.found and error.remedy


def test_a_mapping_that_can_work_passes() -> None:
    mapping = Mapping(
        columns={"deal_id": "Deal ID"},
        formats={"created_at": ["%d %b, %Y", "unix"]},
        money={"amount": {"format": "$#,##0.00", "scale": 1_000, "currency": "RMB"}},
        values={"stage": {"赢单": "won"}},
        constants={"is_won": "是", "amount": "350万", "currency": "CNY"},
        currency="人民币",
        timezone="Europe/Berlin",
    )
    check_mapping(contract("crm", "deals"), mapping)


@pytest.mark.parametrize(
    ("pattern", "comma", "currency"),
    [
        ("#,##0.00", False, None),
        ("#,##0", False, None),
        ("$#,##0.00", False, "USD"),
        ("HK$#,##0", False, "HKD"),
        ("¥0", False, "CNY"),
        ("#.##0,00 €", True, "EUR"),
        ("0,00", True, None),
        ("#.##0", False, None),
    ],
)
def test_a_pattern_is_read_as_a_spreadsheet_reads_it(pattern: str, comma: bool, currency: str | None) -> None:
    assert Money.parse(pattern) == Money(decimal_comma=comma, currency=currency)
