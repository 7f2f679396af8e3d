"""Records of a CRM's API as landing rows: recipes of columns, raw rows of text, their typing. No network, no clock.

Every raw value is text; landing's own typing makes numbers, booleans and times of it and says what it cannot read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa

from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.mapping import Mapping as Columns
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.warehouse import identifier, scratch

T = TypeVar("T")

# a raw landing row: landing column -> text, and besides `properties`, `raw_row` and `broken` as JSON text
Row = dict[str, str | None]

# rows that are typed at once: the engine needs some milliseconds for its plan, whatever the number of rows
TYPED_ROWS = 5_000
HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Recipe:
    """Where a landing column comes from: one field, the first filled of several, or the parts of a name."""

    fields: tuple[str, ...]
    is_name: bool = False

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Reads `a`, `a | b` or `a + b`.

        Raises:
            ValueError: it is none of them.
        """
        for sign, is_name in (("+", True), ("|", False)):
            parts = tuple(part.strip() for part in text.split(sign))
            if all(re.fullmatch(r"[A-Za-z0-9_.\-]+", part) for part in parts):
                return cls(parts, is_name and len(parts) > 1)
        raise ValueError(text)

    def value(self, record: Mapping[str, Any]) -> str | None:
        found = [value for name in self.fields if (value := text_of(record.get(name)))]
        if not self.is_name:
            return next(iter(found), None)
        # 三 + 张 is 张三, Ada + Byron is Ada Byron
        return "".join(reversed(found)) if HAN.search("".join(found)) else " ".join(found) or None


def typed(stream: str, name: str, columns: Columns, origin: str, pages: Iterable[list[Row]]) -> Iterator[pa.Table]:
    """Raw rows in the landing shape, some thousand at a time; what cannot be typed stands in `row_errors`.

    Args:
        stream, name: the landing object.
        columns: formats, values, constants and currency of its columns.
        origin: goes to `source_file`.
        pages: lists of raw rows, of any length.
    """
    shape, schema = contract(stream, name), landing_schema(stream, name)
    # names of their own: the contract's columns are made beside them
    names = [f"raw {column}" for column in (*shape.columns, "properties", "raw_row", "broken")]
    raw_schema = pa.schema([("source_row", pa.int64()), *((one, pa.string()) for one in names)])
    query = typed_query(
        shape,
        "page",
        {column: (identifier(f"raw {column}"), "VARCHAR") for column in shape.columns},
        columns,
        origin=origin,
        properties=identifier("raw properties"),
        raw_row=identifier("raw raw_row"),
        broken=f"cast({identifier('raw broken')} as json)",
    )
    taken = 0
    with scratch() as connection:
        for rows in chunks(pages, TYPED_ROWS):
            page = pa.Table.from_pylist(
                [
                    {"source_row": number, **{f"raw {key}": value for key, value in row.items()}}
                    for number, row in enumerate(rows, taken + 1)
                ],
                schema=raw_schema,
            )
            taken += len(rows)
            connection.register("page", page)
            yield connection.execute(query).to_arrow_table().cast(schema)
    if not taken:
        yield schema.empty_table()


def chunks(pages: Iterable[list[T]], size: int) -> Iterator[list[T]]:
    """The same in longer lists, of at least that size but for the last one."""
    kept: list[T] = []
    for rows in pages:
        kept += rows
        if len(kept) >= size:
            yield kept
            kept = []
    if kept:
        yield kept


def broken_row(record: Any, field: str, expected: str) -> Row:
    """A row that cannot be read at all."""
    error = {"field": field, "rule": "not_record", "expected": expected, "found": kind(record)}
    return {"broken": dump(error), "raw_row": dump(record)}


def leftovers(record: Mapping[str, Any], recipes: Mapping[str, Recipe], silent: Iterable[str]) -> str | None:
    """The filled fields of a record that no recipe uses, as JSON text; `silent` ones are told by other columns."""
    used = {name for recipe in recipes.values() for name in recipe.fields} | set(silent)
    rest = {name: value for name, value in record.items() if name not in used and text_of(value) is not None}
    return dump(rest) if rest else None


def moment(text: str | None) -> datetime | None:
    """A time in ISO 8601, UTC when it names no offset; None when it is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def latest(one: str | None, other: str | None) -> str | None:
    """The later of two times, as it was written."""
    times = [(at, text) for text in (one, other) if (at := moment(text))]
    return max(times)[1] if times else one or other


def kind(value: Any) -> str:
    """What a value is, never the value itself."""
    names = {
        type(None): "nothing", bool: "a boolean", int: "a number", float: "a number",
        str: "a text", list: "a list", dict: "an object",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def text_of(value: Any) -> str | None:
    """A value as text, None when it is empty."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return (dump(value) if isinstance(value, list | dict) else str(value)).strip() or None


def dump(value: Any) -> str:
    """JSON text; the same value gives the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
