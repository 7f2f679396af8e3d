"""Raw text to the landing contract's types, in SQL: what cannot be typed keeps its row and says why.

`typed_query` builds one SELECT over a relation of raw columns. Numbers may be written `1,234`, `１２３`, `1.2亿`, `350万`,
`$22,700.00` or `(1,200)`; dates as ISO or in the formats that the sources file names, read in the business time zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import Column, ObjectContract
from persona_warehouse.warehouse import identifier, literal

FULL_WIDTH = "０１２３４５６７８９．，－＋（）％￥＄　"
HALF_WIDTH = "0123456789.,-+()%¥$ "

# read before the plain signs: HK$ holds a $
CURRENCY_SIGNS = {
    "HK$": "HKD", "HKD": "HKD", "港币": "HKD", "港元": "HKD",
    "US$": "USD", "USD": "USD", "美元": "USD", "$": "USD",
    "CNY": "CNY", "RMB": "CNY", "人民币": "CNY", "¥": "CNY", "元": "CNY",
    "EUR": "EUR", "欧元": "EUR", "€": "EUR",
    "GBP": "GBP", "英镑": "GBP", "£": "GBP",
    "JPY": "JPY", "日元": "JPY",
}  # fmt: skip

UNITS = {
    "亿": 100_000_000, "億": 100_000_000, "千万": 10_000_000, "百万": 1_000_000, "万": 10_000, "萬": 10_000, "千": 1_000,
    "BN": 1_000_000_000, "B": 1_000_000_000, "MN": 1_000_000, "M": 1_000_000, "K": 1_000,
}  # fmt: skip

TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0", "是", "有", "已")
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0", "否", "无", "未")

NAIVE_FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y.%m.%d",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日", "%Y%m%d",
)  # fmt: skip
UNIX_FORMATS = {"unix": 1_000_000, "unix_ms": 1_000, "unix_us": 1}


@dataclass(frozen=True)
class Mapping:
    """How the columns of a source become those of a landing object (an entry under `objects:` in the sources file).

    Attributes:
        columns: landing column -> source column.
        formats: landing column -> strptime format (or several), `unix`, `unix_ms` or `unix_us`.
        money: landing column -> pattern such as `$#,##0.00`, or {format, scale, currency}.
        values: landing column -> {source value: landing value}.
        constants: landing column -> value for every row.
        currency: the currency of amounts that name none.
        timezone: of local times in the source.
    """

    columns: dict[str, str]
    formats: dict[str, str | list[str]] = field(default_factory=dict)
    money: dict[str, str | dict[str, Any]] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    currency: str | None = None
    timezone: str = "Asia/Shanghai"


@dataclass(frozen=True)
class Money:
    """A money pattern, read: its decimal sign, what amounts are multiplied by, and the currency it names."""

    decimal_comma: bool = False
    scale: int = 1
    currency: str | None = None

    @classmethod
    def parse(cls, spec: str | dict[str, Any], where: str) -> Money:
        """Reads `$#,##0.00` or {format: "#,##0.00", scale: 1000000, currency: USD}.

        Raises:
            ConfigError: the pattern has no digit place.
        """
        details = {"format": spec} if isinstance(spec, str) else spec
        pattern = str(details.get("format", "#,##0.00"))
        if not re.search(r"[#0]", pattern):
            raise ConfigError(
                "a money pattern cannot be read",
                field=where,
                expected="a pattern such as $#,##0.00 or #.##0,00 €",
                found=repr(pattern),
                remedy="correct `money:` in the sources file",
            )
        separators = re.sub(r"[^.,]", "", pattern)
        # the last separator is the decimal one when it stands once and digits follow it to the end
        decimal_comma = separators.endswith(",") and bool(re.search(r",0+[^#0]*$", pattern)) and "." in separators
        decimal_comma = decimal_comma or bool(re.fullmatch(r"[^.,]*0,0+[^.,#0]*", pattern))
        sign = next((code for sign, code in CURRENCY_SIGNS.items() if sign in pattern.upper()), None)
        return cls(decimal_comma, int(details.get("scale", 1)), details.get("currency") or sign)


def _case(expression: str, cases: dict[str, str], otherwise: str) -> str:
    whens = " ".join(f"when {literal(key)} then {literal(value)}" for key, value in cases.items())
    return f"case {expression} {whens} else {otherwise} end" if cases else otherwise


def _number(text: str, money: Money) -> str:
    """SQL: a text with signs, separators and units to DECIMAL(38, 6), null when it is no number."""
    signs = "|".join(re.escape(sign) for sign in CURRENCY_SIGNS)
    units = "|".join(UNITS)
    bare = f"regexp_replace(upper(translate({text}, '{FULL_WIDTH}', '{HALF_WIDTH}')), '({signs}|[\\s\\x{{00A0}}])', '', 'g')"
    if money.decimal_comma:
        bare = f"translate({bare}, '.,', ',.')"
    core = f"regexp_extract({bare}, '^[-+]?\\(?([-+]?[0-9][0-9,]*(\\.[0-9]+)?)({units})?\\)?$', 1)"
    # thousands are grouped in threes (or, in Chinese practice, fours): 1,2 is a typing error, not twelve
    grouped = (
        f"regexp_full_match({core}, '[-+]?([0-9]+|[0-9]{{1,3}}(,[0-9]{{3}})+|[0-9]{{1,4}}(,[0-9]{{4}})+)(\\.[0-9]+)?')"
    )
    unit = f"regexp_extract({bare}, '({units})\\)?$', 1)"
    factors = " ".join(f"when '{name}' then {factor}" for name, factor in UNITS.items())
    negative = f"(regexp_matches({bare}, '^-') or regexp_matches({bare}, '^\\(.*\\)$'))"
    magnitude = f"try_cast(ltrim(replace({core}, ',', ''), '+-') as decimal(24, 6))"
    factor = f"cast(case {unit} {factors} else 1 end as decimal(10, 0))"
    scaled = f"{magnitude} * {factor}" + (
        f" * cast({money.scale} as decimal(4, 0))" if 1 < money.scale < 10_000 else ""
    )
    if money.scale >= 10_000:
        scaled = f"try_cast(cast({scaled} as double) * {money.scale} as decimal(38, 6))"
    return (
        f"case when {grouped} then try_cast(case when {negative} then -1 else 1 end * ({scaled}) as decimal(38, 6)) end"
    )


def _currency(text: str) -> str:
    signs = "|".join(re.escape(sign) for sign in CURRENCY_SIGNS)
    found = f"regexp_extract(upper(translate({text}, '{FULL_WIDTH}', '{HALF_WIDTH}')), '({signs})', 1)"
    return _case(found, CURRENCY_SIGNS, "null")


def _moment(text: str, formats: list[str], zone: str) -> str:
    """SQL: a text to TIMESTAMPTZ."""
    zone_text = literal(zone)
    if formats and formats[0] in UNIX_FORMATS:
        return f"make_timestamptz(cast(try_cast({text} as double) * {UNIX_FORMATS[formats[0]]} as bigint))"
    if formats:
        parsed = ", ".join(
            f"try_strptime({text}, {literal(form)})"
            if "%z" in form
            else f"timezone({zone_text}, try_strptime({text}, {literal(form)}))"
            for form in formats
        )
        return f"coalesce({parsed})"
    naive = f"coalesce(try_cast({text} as timestamp), try_strptime({text}, [{', '.join(map(literal, NAIVE_FORMATS))}]))"
    has_offset = f"regexp_matches({text}, '[0-9]T?.*(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$') and regexp_matches({text}, ':')"
    return f"case when {has_offset} then try_cast({text} as timestamptz) else timezone({zone_text}, {naive}) end"


EXPECTED = {
    "integer": "a whole number",
    "decimal": "a number such as 1234.50, 1,234.50, 350万 or 1.2亿",
    "boolean": "yes or no (true/false, 1/0, 是/否)",
    "date": "a date as YYYY-MM-DD, or `formats:` in the sources file",
    "timestamp": "a time as YYYY-MM-DD HH:MM:SS, or `formats:` in the sources file",
    "json": "JSON",
}


def _typed(column: Column, raw: str, raw_type: str, mapping: Mapping) -> tuple[str, str | None, str]:
    """SQL of a column: (text, value, expected); value is None when the text itself is the value."""
    text = f"nullif(trim(cast({raw} as varchar), ' \t\r\n　'), '')"
    text = _case(text, mapping.values.get(column.name, {}), text)
    form = mapping.formats.get(column.name, [])
    formats = [form] if isinstance(form, str) else list(form)
    expected = EXPECTED.get(column.type, "")
    if formats:
        expected = f"{column.type} as {' or '.join(formats)}"
    if column.type == "text":
        return text, None, expected
    if column.type == "timestamp" and raw_type in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE") and not formats:
        value = raw if raw_type.endswith("ZONE") else f"timezone({literal(mapping.timezone)}, cast({raw} as timestamp))"
        return text, value, expected
    value = {
        "integer": lambda: _integer(text),
        "decimal": lambda: _number(text, Money.parse(mapping.money.get(column.name, "#,##0.00"), column.name)),
        "boolean": lambda: (
            f"case when lower({text}) in ({', '.join(map(literal, TRUE_TEXTS))}) then true"
            f" when lower({text}) in ({', '.join(map(literal, FALSE_TEXTS))}) then false end"
        ),
        "date": lambda: (
            f"cast(timezone({literal(mapping.timezone)}, {_moment(text, formats, mapping.timezone)}) as date)"
        ),
        "timestamp": lambda: _moment(text, formats, mapping.timezone),
        "json": lambda: f"case when json_valid({text}) then {text} end",
    }[column.type]()
    return text, value, expected


def _integer(text: str) -> str:
    number = _number(text, Money())
    return f"case when ({number}) = trunc({number}) then try_cast({number} as bigint) end"


SQL_TYPES = {
    "text": "varchar", "integer": "bigint", "decimal": "decimal(38, 6)", "boolean": "boolean", "date": "date",
    "timestamp": "timestamptz", "json": "varchar",
}  # fmt: skip


def typed_query(
    contract: ObjectContract,
    relation: str,
    raw_columns: dict[str, tuple[str, str]],
    mapping: Mapping,
    *,
    origin: str,
    properties: str = "null",
    raw_row: str = "null",
    broken: str = "null",
) -> str:
    """SQL that turns raw rows into the landing shape of an object.

    Args:
        contract: the object.
        relation: FROM item with the raw columns and `source_row`.
        raw_columns: landing column -> (SQL expression of the raw value, its DuckDB type).
        mapping: formats, money, values, constants.
        origin: goes to `source_file`.
        properties: SQL of the leftovers as JSON text.
        raw_row: SQL of the whole raw row as JSON text; kept only on rows with errors.
        broken: SQL of a JSON object that says why a row cannot be read at all, null when it can.

    Returns:
        A SELECT whose columns and types are those of `landing_schema`.
    """
    texts: list[str] = []
    values: list[str] = []
    errors: list[str] = []
    outputs: list[str] = []
    for column in contract.columns.values():
        name = identifier(column.name)
        if column.name in mapping.constants:
            values.append(f"cast({literal(mapping.constants[column.name])} as {SQL_TYPES[column.type]}) as {name}")
        elif column.name in raw_columns:
            raw, raw_type = raw_columns[column.name]
            text, value, expected = _typed(column, raw, raw_type, mapping)
            text_name = identifier(f"text of {column.name}")
            texts.append(f"{text} as {text_name}")
            if value is None:
                values.append(f"{text_name} as {name}")
            else:
                values.append(f"cast({value.replace(text, text_name)} as {SQL_TYPES[column.type]}) as {name}")
                errors.append(
                    f"case when {text_name} is not null and {name} is null then "
                    f"json_object('field', {literal(column.name)}, 'rule', {literal('not_' + column.type)},"
                    f" 'expected', {literal(expected)}, 'found', left({text_name}, 80)) end"
                )
        else:
            values.append(f"cast(null as {SQL_TYPES[column.type]}) as {name}")
        if column.name in contract.required:
            errors.append(
                f"case when {name} is null and not exists_text_{column.name} then json_object('field', "
                f"{literal(column.name)}, 'rule', 'required', 'expected', 'a value', 'found', 'empty') end"
            )
        outputs.append(_output(column, contract, mapping, raw_columns))
    # a value that is there but cannot be typed is one error, not also a missing one
    for column_name in contract.required:
        has_text = column_name in raw_columns and column_name not in mapping.constants
        stands = f"({identifier(f'text of {column_name}')} is not null)" if has_text else "false"
        errors = [error.replace(f"exists_text_{column_name}", stands) for error in errors]
    listed = f"list_filter([{', '.join(errors)}], lambda error: error is not null)" if errors else "[]"
    return f"""
with raw as (select * from {relation}),
texts as (select *{"".join(", " + text for text in texts)} from raw),
typed as (select source_row as typed_row, {", ".join(values)}, {properties} as properties, {raw_row} as raw_row_json,
                 {broken} as broken{"".join(", " + identifier(t.rsplit(' as "', 1)[1].rstrip('"')) for t in texts)}
          from texts),
checked as (select *, case when broken is not null then [broken] else {listed} end as found_errors from typed)
select {", ".join(outputs)},
       cast(properties as varchar) as properties,
       {literal(origin)} as source_file,
       cast(typed_row as bigint) as source_row,
       case when len(found_errors) > 0 then cast(to_json(found_errors) as varchar) end as row_errors,
       case when len(found_errors) > 0 then cast(raw_row_json as varchar) end as raw_row
from checked"""


def _output(column: Column, contract: ObjectContract, mapping: Mapping, raw: dict[str, tuple[str, str]]) -> str:
    """The column itself; a currency is completed from the amount's own text, then the pattern, then the default."""
    name = identifier(column.name)
    if column.name != "currency" or not contract.money:
        return name
    candidates = [f"upper({name})"]
    for amount in contract.money:
        if amount in raw:
            candidates.append(_currency(identifier(f"text of {amount}")))
            pattern = Money.parse(mapping.money.get(amount, "#,##0.00"), amount).currency
            if pattern:
                candidates.append(f"case when {identifier(amount)} is not null then {literal(pattern)} end")
    if mapping.currency:
        present = [f"{identifier(amount)} is not null" for amount in contract.money if amount in raw]
        if present:
            candidates.append(f"case when {' or '.join(present)} then {literal(mapping.currency)} end")
    return f"coalesce({', '.join(candidates)}) as {name}"
