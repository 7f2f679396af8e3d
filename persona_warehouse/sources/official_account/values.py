"""Values of WeChat's JSON in the types of the landing contract, and rows that say what could not be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from persona_warehouse.sources.answers import UnexpectedShape, clean

Row = dict[str, Any]

# no longer filled by WeChat since 2021-12-27: sent as "" or 0, or not at all; history still carries them
RETIRED = frozenset({"nickname", "headimgurl", "sex", "city", "province", "country", "language"})
INT64 = range(-(2**63), 2**63)
# later than any follower, earlier than any count of milliseconds
LAST_SECOND = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
# the landing contract's decimals: as many places, and far more digits before them than a rate needs
PLACES, LARGEST = Decimal("0.000001"), Decimal(10) ** 20
EXPECTED = {
    "text": "a text",
    "integer": "a whole number",
    "decimal": "a number",
    "boolean": "0 or 1",
    "timestamp": "unix seconds",
    "date": "a date as YYYY-MM-DD",
    "json": "a list or an object",
}


def list_of(answer: Mapping[str, Any], key: str) -> list[Any]:
    """The list at a key.

    Raises:
        UnexpectedShape: there is none.
    """
    found = answer.get(key)
    if not isinstance(found, list):
        raise UnexpectedShape(key, "a list", kind_of(found))
    return found


def kind_of(value: Any) -> str:
    """What kind of JSON value it is, for messages."""
    names = {
        type(None): "nothing", bool: "a boolean", int: "a number", float: "a number",
        str: "a text", list: "a list", tuple: "a list", dict: "an object",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def dump(value: Any) -> str:
    """JSON with its keys in order."""
    return json.dumps(clean(value), ensure_ascii=False, sort_keys=True)


def text_of(value: Any) -> str | None:
    """A scalar as text without blanks around it, a list or an object as JSON; None when empty."""
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        return dump(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean(str(value)).strip() or None


def integer_of(value: Any) -> int | None:
    """The whole number, also when it is written as text; None when it is none or does not fit."""
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]{1,19}\s*", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in INT64 else None


def decimal_of(value: Any) -> Decimal | None:
    """The number, to six places; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number.quantize(PLACES) if number.is_finite() and abs(number) < LARGEST else None


def typed(item: Mapping[str, Any], key: str, column: str, kind: str, errors: list[Row]) -> Any:
    """The value of a key in the contract's type, null when empty; what cannot be read is null and goes to `errors`."""
    raw = item.get(key)
    if raw is None or raw == "":
        return None
    value = _read(raw, kind)
    if value is None and not (kind == "timestamp" and integer_of(raw) == 0):
        errors.append(error_of(column, f"not_{kind}", EXPECTED[kind], text_of(raw) or kind_of(raw)))
    return value


def _read(raw: Any, kind: str) -> Any:
    number = integer_of(raw)
    if kind == "text":
        return text_of(raw)
    if kind == "integer":
        return number
    if kind == "decimal":
        return decimal_of(raw)
    if kind == "boolean" and (number in (0, 1) or isinstance(raw, bool)):
        return bool(number or raw is True)
    # no follower follows since the first second of all
    if kind == "timestamp" and number is not None and 0 < number < LAST_SECOND:
        return datetime.fromtimestamp(number, UTC)
    if kind == "date" and isinstance(raw, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            return None
    if kind == "json" and isinstance(raw, list | dict):
        return dump(raw)
    return None


def required(row: Row, names: Iterable[str], errors: list[Row]) -> None:
    """Adds an error for each column that is empty although nothing was said against its value."""
    wrong = {error["field"] for error in errors}
    errors.extend(
        error_of(name, "required", "a value", "empty") for name in names if row[name] is None and name not in wrong
    )


def leftovers(item: Mapping[str, Any], known: frozenset[str]) -> str | None:
    """What an object holds besides the known keys, as JSON; None when nothing is left."""
    rest = {
        key: value
        for key, value in item.items()
        if key not in known and not (key in RETIRED and value in ("", 0, "0", None))
    }
    return dump(rest) if rest else None


def error_of(field: str, rule: str, expected: str, found: str) -> Row:
    """An entry of `row_errors`."""
    return {"field": field, "rule": rule, "expected": expected, "found": found[:80]}


def quarantined(row: Row, errors: list[Row], raw: Any) -> Row:
    """The row with what is wrong with it and what came."""
    return {**row, "row_errors": dump(errors), "raw_row": dump(raw)}
