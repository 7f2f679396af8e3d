"""The columns of any table of texts as what they are: numbers, categories, dates, names of the row; or blank."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.personas.thresholds import threshold
from persona_warehouse.recognise.quantities import read_quantity
from persona_warehouse.recognise.text import plain_array
from persona_warehouse.recognise.vocabulary import rows_of
from persona_warehouse.warehouse import literal, scratch

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BLANK = -1
# so much of a column must read as a number or a date for it to be one
MOSTLY = 0.95
# a number of so few values is read as a category: grades, counts of a picklist
FEW_VALUES = 6
# so many differing values and more may be names of the row; fewer are chance
MANY_VALUES = 30

DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y",
    "%d-%b-%Y", "%d %b %Y", "%d %b, %Y", "%b %d, %Y", "%B %d, %Y", "%Y-%m", "%Y%m%d",
    "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y, %I:%M %p", "%d %b, %Y %H:%M:%S", "%d %b %Y %H:%M",
)  # fmt: skip


class Kind(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    CATEGORY = "category"
    DATE = "date"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    EMPTY = "empty"


@dataclass(frozen=True)
class Column:
    """A column, read.

    Attributes:
        codes: of a category, its place in `levels`, BLANK where nothing is known.
        levels: of a category, its values as they are mostly written.
        numbers: of a number, NaN where nothing is known; of a date, days since 1970-01-01.
        is_filled: where something is known, whatever it is.
    """

    name: str
    kind: Kind
    is_filled: Bools
    codes: Ints | None = None
    levels: tuple[str, ...] = ()
    numbers: Floats | None = None


def read_columns(table: pa.Table) -> list[Column]:
    """Every column of a table of texts."""
    with scratch() as connection:
        return [read_column(connection, name, table[name]) for name in table.column_names]


def read_column(connection: duckdb.DuckDBPyConnection, name: str, values: pa.ChunkedArray) -> Column:
    """A column of texts; each distinct text is read once."""
    coded = pc.dictionary_encode(values.combine_chunks())
    codes = coded.indices.fill_null(BLANK).to_numpy(zero_copy_only=False).astype(np.int64)
    written = plain_array(coded.dictionary.cast(pa.string()))
    folded = pc.utf8_lower(written)
    known = pc.fill_null(pc.invert(pc.is_in(folded, value_set=_blank_words())), False)
    known = pc.and_(known, pc.is_valid(written)).to_numpy(zero_copy_only=False)
    is_filled = np.zeros(len(codes), dtype=bool)
    is_filled[codes >= 0] = known[codes[codes >= 0]]
    if not is_filled.any():
        return Column(name, Kind.EMPTY, is_filled)
    # one value for what differs in case and width alone
    merged = pc.dictionary_encode(folded)
    level_of = merged.indices.fill_null(BLANK).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = np.where(is_filled, level_of[codes], BLANK)
    present, codes_filled, counts = np.unique(codes[is_filled], return_inverse=True, return_counts=True)
    codes = codes.copy()
    codes[is_filled] = codes_filled
    # the first way in which it is written, as it is
    first = np.full(len(merged.dictionary), -1)
    first[level_of[::-1][level_of[::-1] >= 0]] = np.flatnonzero(level_of[::-1] >= 0)
    first = np.where(first >= 0, len(level_of) - 1 - first, 0)
    texts = written.take(pa.array(first[present]))
    if len(present) == 1:
        return Column(name, Kind.CONSTANT, is_filled, codes, tuple(texts.to_pylist()))
    return _typed(connection, name, codes, texts, counts, is_filled)


def _typed(
    connection: duckdb.DuckDBPyConnection, name: str, codes: Ints, texts: pa.Array, counts: Ints, is_filled: Bools
) -> Column:
    rows, unlike = int(counts.sum()), len(counts)
    dates = _dates(connection, texts, name)
    if _share(np.isfinite(dates), counts) >= MOSTLY:
        return Column(name, Kind.DATE, is_filled, numbers=_spread(dates, codes))
    once = unlike >= MANY_VALUES and unlike / rows >= threshold("unlike_share")
    numbers = _numbers(connection, texts)
    if _share(np.isfinite(numbers), counts) >= MOSTLY:
        whole = bool(np.all(np.mod(numbers[np.isfinite(numbers)], 1) == 0))
        if once and whole and (is_named(name, "identifier") or _is_running(numbers)):
            return Column(name, Kind.IDENTIFIER, is_filled)
        if unlike > FEW_VALUES:
            return Column(name, Kind.NUMBER, is_filled, numbers=_spread(numbers, codes))
        order = np.argsort(np.where(np.isfinite(numbers), numbers, np.inf), kind="stable")
        return Column(name, Kind.CATEGORY, is_filled, _ranked(codes, order), tuple(texts.take(order).to_pylist()))
    if once:
        return Column(name, Kind.IDENTIFIER, is_filled)
    return Column(name, Kind.CATEGORY, is_filled, codes, tuple(texts.to_pylist()))


def _ranked(codes: Ints, order: Ints) -> Ints:
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return np.where(codes >= 0, place[codes], BLANK)


def _share(fits: Bools, counts: Ints) -> float:
    return float(counts[fits].sum() / counts.sum())


def _spread(values: Floats, codes: Ints) -> Floats:
    return np.where(codes >= 0, values[codes], np.nan)


def _is_running(numbers: Floats) -> bool:
    """A number given row by row: nearly all between the least and the greatest occur."""
    return bool(len(numbers) / (np.nanmax(numbers) - np.nanmin(numbers) + 1) > 0.5)


def read_dates(values: pa.ChunkedArray, name: str) -> Floats:
    """Days since 1970-01-01 of a column that is said to hold times; NaN where none is read."""
    with scratch() as connection:
        coded = pc.dictionary_encode(values.combine_chunks())
        codes = coded.indices.fill_null(BLANK).to_numpy(zero_copy_only=False).astype(np.int64)
        days = _dates(connection, coded.dictionary.cast(pa.string()), name, is_surely=True)
        return _spread(days, codes) if len(days) else np.full(len(codes), np.nan)


def _dates(connection: duckdb.DuckDBPyConnection, texts: pa.Array, name: str, *, is_surely: bool = False) -> Floats:
    """Days since 1970 of each text in the one format that reads most of them; NaN for what it does not read."""
    connection.register("texts", pa.table({"text": texts, "place": pa.array(np.arange(len(texts)))}))
    stamps = ["try_cast(case when text not similar to '[0-9.]+' then text end as timestamp)"]
    stamps += [f"try_strptime(text, {literal(form)})" for form in DATE_FORMATS if form != "%Y%m%d"]
    compact = "case when regexp_full_match(text, '(19|20)[0-9]{6}') then try_strptime(text, '%Y%m%d') end"
    stamps.append(compact)
    if is_surely or is_named(name, "date"):
        stamps.append("case when regexp_full_match(text, '1[0-9]{12}') then make_timestamp(text::bigint * 1000) end")
        stamps.append("case when regexp_full_match(text, '1[0-9]{9}') then make_timestamp(text::bigint * 1000000) end")
    tried = ", ".join(f"count({sql}) as form{number}" for number, sql in enumerate(stamps))
    found = connection.execute(f"select {tried} from texts").fetchone() or ()
    best = max(range(len(stamps)), key=lambda number: (found[number], -number))
    days = connection.execute(
        f"select epoch({stamps[best]}) / 86400.0 as day from texts order by place"
    ).to_arrow_table()["day"]
    connection.unregister("texts")
    return days.to_numpy().astype(np.float64)


def _numbers(connection: duckdb.DuckDBPyConnection, texts: pa.Array) -> Floats:
    """Numbers of the texts: as the engine reads them, and the others as people write them (3.5万, $1,200, 10-49)."""
    connection.register("texts", pa.table({"text": texts, "place": pa.array(np.arange(len(texts)))}))
    plainly = connection.execute("select try_cast(text as double) as n from texts order by place").to_arrow_table()
    connection.unregister("texts")
    numbers = plainly["n"].to_numpy().astype(np.float64).copy()
    numbers[~np.isfinite(numbers)] = np.nan
    rest = np.flatnonzero(np.isnan(numbers))
    # a column of words has no number among its first ones: do not read thousands of them
    some = [read_quantity(one) for one in texts.take(pa.array(rest[:50])).to_pylist()]
    if len(rest) and sum(one is not None and one.number is not None for one in some) >= MOSTLY * len(some):
        read = [read_quantity(one) for one in texts.take(pa.array(rest)).to_pylist()]
        numbers[rest] = [float(one.number) if one is not None and one.number is not None else np.nan for one in read]
    return numbers


@cache
def _blank_words() -> pa.Array:
    return pa.array([row["word"] for row in rows_of("fit/blank_words")], pa.string())


def words_of(name: str) -> str:
    """A column's name as words in lower case: `lastModifiedDate`, `last_modified_date` → `last modified date`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[^0-9a-zA-Z\u3400-\u9fff]+", " ", apart).lower().split())


@cache
def _names() -> tuple[tuple[str, re.Pattern[str], str], ...]:
    return tuple((row["kind"], re.compile(row["pattern"]), row["reason"]) for row in rows_of("fit/hindsight_names"))


def named(name: str) -> tuple[str, str] | None:
    """What a column's name tells of when it is filled in (seed fit/hindsight_names): kind and reason, or None."""
    words = words_of(name)
    return next(((kind, reason) for kind, pattern, reason in _names() if pattern.search(words)), None)


def is_named(name: str, kind: str) -> bool:
    """Whether a name is of a kind."""
    words = words_of(name)
    return any(pattern.search(words) for each, pattern, _ in _names() if each == kind)
