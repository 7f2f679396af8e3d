"""Raw text to the landing contract's types, in SQL: what cannot be typed keeps its row and says why.

`typed_query` builds one SELECT over a relation of raw columns. Numbers may be written `1,234`, `１２３`, `1.2亿`,
`350万`, `$22,700.00` or `(1,200)`; dates as ISO or in the formats that the sources file names, read in the business
time zone.
"""

from __future__ import annotations

import re

from persona_warehouse.landing.contract import Column, ObjectContract
from persona_warehouse.landing.mapping import Mapping, Money, currency_code
from persona_warehouse.units import CURRENCY_SIGNS, UNITS
from persona_warehouse.warehouse import identifier, literal

FULL_WIDTH = "０１２３４５６７８９．，－＋（）％￥＄：／　\u00a0\u202f"
HALF_WIDTH = "0123456789.,-+()%¥$:/   "

# what is cut off at both ends of a text
BLANKS = " \t\r\n　"

PLAIN_NUMBER = r"[-+]?[0-9]*[.]?[0-9]+"
_SIGN = "|".join(re.escape(sign) for sign in CURRENCY_SIGNS)
# thousands are grouped in threes or, in Chinese practice, fours: 1,2 is a typing error, not twelve
NUMBER = (
    rf"^({_SIGN}|) ?(?:{_SIGN}|) ?([-+(]?) ?({_SIGN}|) ?"
    r"((?:(?:[0-9]+|[0-9]{1,3}(?:[, ][0-9]{3})+|[0-9]{1,4}(?:,[0-9]{4})+)(?:[.][0-9]+)?)|[.][0-9]+)"
    rf"(?:E([-+]?[0-9]{{1,2}}))? ?({'|'.join(UNITS)}|) ?({_SIGN}|)([)]?)$"
)
NUMBER_PARTS = ["before", "opening", "between", "digits", "power", "unit", "after", "closing"]

TRUE_TEXTS = ("true", "t", "yes", "y", "1", "1.0", "是", "有", "已")
FALSE_TEXTS = ("false", "f", "no", "n", "0", "0.0", "否", "无", "未")

NAIVE_FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y.%m.%d",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日%H:%M:%S", "%Y年%m月%d日%H:%M", "%Y年%m月%d日",
    "%Y%m%d%H%M%S", "%Y%m%d",
)  # fmt: skip
UNIX_FORMATS = {"unix": 1_000_000, "unix_ms": 1_000, "unix_us": 1}
OFFSET = "(Z|UTC|GMT|[-+][0-9]{2}(:?[0-9]{2})?)$"
# outside of these a time is a typing error, a default of some tool, or milliseconds read as seconds
FIRST_MOMENT, LAST_MOMENT = "1900-01-01", "10000-01-01"

# types of a raw column that are taken as they are, without becoming text on the way
WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
# types whose text is never empty and has no blanks around it
BARE_TYPES = (*WHOLE_TYPES, "UBIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "BOOLEAN", "DATE", "TIMESTAMP", "UUID")

SQL_TYPES = {
    "text": "varchar", "integer": "bigint", "decimal": "decimal(38, 6)", "boolean": "boolean", "date": "date",
    "timestamp": "timestamptz", "json": "varchar",
}  # fmt: skip

EXPECTED = {
    "integer": "a whole number",
    "decimal": "a number such as 1234.50, 1,234.50, 350万 or 1.2亿",
    "boolean": "yes or no (true/false, 1/0, 是/否)",
    "date": "a date as YYYY-MM-DD, or `formats:` in the sources file",
    "timestamp": "a time as YYYY-MM-DD HH:MM:SS, or `formats:` in the sources file",
    "json": "JSON",
}


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
    constants = {name: (literal(value), "VARCHAR") for name, value in mapping.constants.items()}
    raw_columns = {**raw_columns, **constants}
    # a layer computes once what the next one uses several times
    layers: dict[str, dict[str, str]] = {"raw": {}, "clean": {}, "text": {}, "parts": {}, "reading": {}, "value": {}}
    checks: list[tuple[str, str]] = []
    for name, column in contract.columns.items():
        text, value = identifier(f"text of {name}"), identifier(f"value of {name}")
        if name not in raw_columns:
            layers["value"][f"value of {name}"] = f"cast(null as {SQL_TYPES[column.type]})"
            missing = "true"
        else:
            for step, sql in _steps(column, *raw_columns[name], mapping).items():
                layers[step][f"{step} of {name}"] = sql
            if column.type != "text":
                found = f"left(cast({text} as varchar), 80)"
                failed = _row_error(name, f"not_{column.type}", literal(_expected(column, mapping)), found)
                checks.append((f"{text} is not null and {value} is null", failed))
            # a value that is there but cannot be typed is one error, not also a missing one
            missing = f"{text} is null"
        if name in contract.required:
            checks.append((missing, _row_error(name, "required", "'a value'", "'empty'")))
    each = ", ".join(f"case when {when} then {error} end" for when, error in checks)
    listed = f"list_filter([{each}], lambda e: e is not null)"
    wrong = " or ".join(f"({when})" for when, _ in checks) or "false"
    errors = {"errors": f"case when ({broken}) is not null then [{broken}] when {wrong} then {listed} end"}
    values = ", ".join(
        f"{_value(column, contract, mapping, raw_columns)} as {identifier(column.name)}"
        for column in contract.columns.values()
    )
    return f"""
select {values},
       cast({properties} as varchar) as properties,
       {literal(origin)} as source_file,
       cast(source_row as bigint) as source_row,
       case when errors is not null then cast(to_json(errors) as varchar) end as row_errors,
       case when errors is not null then cast({raw_row} as varchar) end as raw_row
from {_layered(relation, [*layers.values(), errors])}"""


def _layered(relation: str, layers: list[dict[str, str]]) -> str:
    """FROM item: the relation with the columns of each layer added to it, one layer upon the other."""
    for columns in layers:
        added = "".join(f", {sql} as {identifier(name)}" for name, sql in columns.items())
        relation = f"(select *{added} from {relation})"
    return relation


def _row_error(name: str, rule: str, expected: str, found: str) -> str:
    return f"json_object('field', {literal(name)}, 'rule', {literal(rule)}, 'expected', {expected}, 'found', {found})"


def _expected(column: Column, mapping: Mapping) -> str:
    formats = mapping.formats_of(column.name)
    return f"{column.type} as {' or '.join(formats)}" if formats else EXPECTED[column.type]


def _steps(column: Column, raw: str, raw_type: str, mapping: Mapping) -> dict[str, str]:
    """SQL of a column in steps, each using the ones before it.

    Returns:
        raw: as the source has it.
        clean: as text, null when empty.
        text: the same with its values replaced; of what comes with the column's own type, the raw value.
        parts: of a number that is written with more than digits (numbers only).
        reading: the value before its range is checked (all but texts).
        value: of the column's type, null when it cannot be typed.
    """
    own, clean, text, parts, reading = (
        identifier(f"{step} of {column.name}") for step in ("raw", "clean", "text", "parts", "reading")
    )
    values = mapping.values.get(column.name)
    zone = literal(mapping.timezone)
    if not values and (typed := _own_type(column, own, raw_type, mapping)):
        return {"raw": raw, "text": own, "reading": typed, "value": _in_range(column, reading, zone)}
    steps = {"raw": f"cast({raw} as varchar)", "clean": own if is_bare(raw_type) else cleaned(own), "text": clean}
    if values:
        whens = " ".join(f"when {literal(old)} then {literal(new or '')}" for old, new in values.items())
        steps["text"] = f"nullif(case {clean} {whens} else {clean} end, '')"
    if column.type in ("boolean", "date", "timestamp"):
        steps["text"] = _half_width(steps["text"])
    if column.type == "text":
        return {**steps, "value": text}
    steps["value"] = _in_range(column, reading, zone)
    if column.type in ("integer", "decimal"):
        money = mapping.money_of(column.name)
        steps["parts"] = _number_parts(text, money)
        steps["reading"] = _number(text, parts, money)
    elif column.type == "boolean":
        steps["reading"] = (
            f"case when lower({text}) in ({', '.join(map(literal, TRUE_TEXTS))}) then true"
            f" when lower({text}) in ({', '.join(map(literal, FALSE_TEXTS))}) then false end"
        )
    elif column.type in ("date", "timestamp"):
        steps["reading"] = _moment(text, mapping.formats_of(column.name), zone)
    elif column.type == "json":
        steps["reading"] = f"case when json_valid({text}) then {text} end"
    return steps


def _own_type(column: Column, raw: str, raw_type: str, mapping: Mapping) -> str | None:
    """SQL of the reading of a raw value that has a type of the column's kind; None: it is read as text."""
    if column.type in ("date", "timestamp"):
        if raw_type.startswith("TIMESTAMP WITH TIME ZONE"):
            return raw
        if raw_type.startswith(("TIMESTAMP", "DATE")):
            return f"timezone({literal(mapping.timezone)}, cast({raw} as timestamp))"
    if column.type == "boolean" and raw_type == "BOOLEAN":
        return raw
    whole = raw_type in WHOLE_TYPES and column.name not in mapping.money
    return f"cast({raw} as decimal(38, 6))" if whole and column.type in ("integer", "decimal") else None


def _in_range(column: Column, reading: str, zone: str) -> str:
    """SQL of the value: the reading in the column's type, null when it is out of the type's range."""
    value = reading
    if column.type == "integer":
        value = f"case when {reading} = trunc({reading}) then try_cast({reading} as bigint) end"
    elif column.type in ("date", "timestamp"):
        moment = (
            f"case when {reading} >= {literal(FIRST_MOMENT)} and {reading} < {literal(LAST_MOMENT)} then {reading} end"
        )
        value = moment if column.type == "timestamp" else f"cast(timezone({zone}, {moment}) as date)"
    return f"cast({value} as {SQL_TYPES[column.type]})"


def is_bare(raw_type: str) -> bool:
    """Whether a value of a type never has blanks around it when it is cast to text."""
    return raw_type.startswith(BARE_TYPES)


def cleaned(text: str) -> str:
    """SQL of a text without blanks around it, null when nothing is left; `text` is used many times: a column.

    Trimming looks at every character of a text. Nearly none has a blank at its ends, which is seen in a tenth of that.
    """
    ends = " or ".join(f"ends_with({text}, {literal(blank)})" for blank in BLANKS)
    return (
        f"case when {text} = '' then null"
        f" when unicode({text}) > 32 and unicode({text}) <> {ord(BLANKS[-1])} and not ({ends}) then {text}"
        f" else nullif(trim({text}, {literal(BLANKS)}), '') end"
    )


def _half_width(text: str) -> str:
    # in plain ASCII, as nearly all are, every character is one byte
    return (
        f"case when strlen({text}) <> length({text}) and regexp_matches({text}, '[{FULL_WIDTH}]')"
        f" then translate({text}, '{FULL_WIDTH}', '{HALF_WIDTH}') else {text} end"
    )


def _number_parts(text: str, money: Money) -> str:
    """SQL: the parts of a number with signs, groups or units; null for plain digits."""
    bare = f"upper({_half_width(text)})"
    plain = literal(PLAIN_NUMBER)
    if money.decimal_comma:
        bare, plain = f"translate({bare}, '.,', ',.')", "'[-+]?[0-9]+'"
    names = ", ".join(map(literal, NUMBER_PARTS))
    parts = f"regexp_extract({bare}, {literal(NUMBER)}, [{names}])"
    return f"case when not regexp_full_match({text}, {plain}) then {parts} end"


def _number(text: str, parts: str, money: Money) -> str:
    """SQL: DECIMAL(38, 6), null when it is no number; units and scales are powers of ten, which a text can take."""
    scaled = f"{text} || 'e{money.power}'" if money.power else text
    units = " ".join(f"when {literal(unit)} then {power}" for unit, power in UNITS.items())
    power = f"coalesce(try_cast({parts}.power as integer), 0) + case {parts}.unit {units} else 0 end + {money.power}"
    negative = f"case when {parts}.opening in ('-', '(') then '-' else '' end"
    written = f"concat({negative}, translate({parts}.digits, ', ', ''), 'e', {power})"
    return (
        f"case when {parts} is null then {_decimal(scaled)}"
        f" when {parts}.digits = '' or ({parts}.opening = '(') <> ({parts}.closing = ')') then null"
        f" else {_decimal(written)} end"
    )


def _decimal(text: str) -> str:
    # the engine reads a text into 128 bits a hundred times slower than into 64
    return f"coalesce(cast(try_cast({text} as decimal(18, 6)) as decimal(38, 6)), try_cast({text} as decimal(38, 6)))"


def _moment(text: str, formats: list[str], zone: str) -> str:
    """SQL: a text to TIMESTAMPTZ; without an offset of its own it is local time in `zone` (a SQL literal)."""
    if formats:
        return f"coalesce({', '.join(_formatted(text, form, zone) for form in formats)})"
    naive = f"coalesce(try_cast({text} as timestamp), try_strptime({text}, [{', '.join(map(literal, NAIVE_FORMATS))}]))"
    # one way to write an offset: 10:00:00 +08:00 and 10:00:00 UTC as 10:00:00+08:00 and 10:00:00Z
    zoned = f"regexp_replace(regexp_replace({text}, ' ?(UTC|GMT)$', 'Z'), ' ([-+][0-9:]+)$', '\\1')"
    # the two forms that nearly all have need none of the patterns
    local = f"{text} like '____-__-_____:__:__' and not ends_with({text}, 'Z')"
    return (
        f"case when not ({text} >= '0' and {text} < ':') then null"
        f" when ends_with({text}, 'Z') and contains({text}, ':') then try_cast({text} as timestamptz)"
        f" when {local} then timezone({zone}, {naive})"
        f" when regexp_matches({text}, ':.*{OFFSET}') then try_cast({zoned} as timestamptz)"
        f" else timezone({zone}, {naive}) end"
    )


def _formatted(text: str, form: str, zone: str) -> str:
    if form in UNIX_FORMATS:
        return f"try(make_timestamptz(cast(try_cast({text} as double) * {UNIX_FORMATS[form]} as bigint)))"
    if "%z" in form:
        return f"try_strptime(regexp_replace({text}, 'Z$', '+00:00'), {literal(form)})"
    if "%Z" in form:
        return f"try_strptime({text}, {literal(form)})"
    # a Z that the format spells out means what it says
    return f"timezone({literal('UTC') if form.endswith('Z') else zone}, try_strptime({text}, {literal(form)}))"


def _value(column: Column, contract: ObjectContract, mapping: Mapping, raw: dict[str, tuple[str, str]]) -> str:
    """The value; a currency is completed from the amount's own text, then the pattern, then the default."""
    value = identifier(f"value of {column.name}")
    if column.name != "currency" or not contract.money:
        return value
    candidates = [_code(f"upper({value})")]
    amounts = [name for name in contract.money if name in raw]
    for name in amounts:
        parts = identifier(f"parts of {name}")
        candidates += [f"{_code(f'{parts}.{place}')}" for place in ("before", "between", "after")]
        pattern = mapping.money_of(name).currency
        if pattern:
            candidates.append(f"case when {identifier(f'value of {name}')} is not null then {literal(pattern)} end")
    if mapping.currency and amounts:
        present = " or ".join(f"{identifier(f'value of {name}')} is not null" for name in amounts)
        candidates.append(f"case when {present} then {literal(currency_code(mapping.currency))} end")
    return f"coalesce({', '.join(candidates)})"


def _code(text: str) -> str:
    whens = " ".join(f"when {literal(sign)} then {literal(code)}" for sign, code in CURRENCY_SIGNS.items())
    return f"case {text} {whens} else nullif({text}, '') end"
