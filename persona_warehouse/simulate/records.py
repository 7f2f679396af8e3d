"""Tables on their way into a source file: how they stood on a day, which rows were spoiled, how files are written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from persona_warehouse.simulate.dice import Dice

# below this a table is left whole: in a small world a spoiled row would be half of the story
FEWEST_TO_SPOIL = 20
TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Spoiled:
    """One row that cannot be read as it stands. `row` counts data rows of the file from 1."""

    file: str
    row: int
    record_id: str
    field: str | None
    flaw: str
    written: str


class Identity(NamedTuple):
    """Whom a source id stands for: a person, or a company alone; neither for a robot or a passer-by."""

    source_system: str
    source_object: str
    source_id: str
    identity_type: str
    kind: str
    person_id: str | None
    company_id: str | None


@dataclass
class Row:
    """One row over time: what it was born with, and what was changed when. Local office time.

    Attributes:
        flaw: (column, kind of flaw, text) of a cell that was spoiled for good; the column None for half a line.
        identity: whom the row stands for.
    """

    born: datetime
    values: dict[str, Any]
    identity: Identity | None = None
    changes: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    flaw: tuple[str | None, str, str] | None = None

    def change(self, at: datetime, **values: Any) -> None:
        """Somebody changes the row; without values it is only saved again."""
        self.changes.append((max(at, self.born), values))

    def on(self, until: datetime, time_format: str | None) -> dict[str, Any]:
        """The row as it stood, its `updated_at` by its last change if the table has one."""
        shown, last = dict(self.values), self.born
        # sorted by time alone: changes of one moment stand in the order in which they were made
        for at, values in sorted(self.changes, key=lambda change: change[0]):
            if at > until:
                break
            shown.update(values)
            last = at
        if time_format is not None:
            shown["updated_at"] = last.strftime(time_format)
        if self.flaw is not None and self.flaw[0] is not None:
            shown[self.flaw[0]] = self.flaw[2]
        return shown


@dataclass
class Sheet:
    """The rows of one CRM object, in the order in which they were entered.

    Attributes:
        file: where it goes, relative to the world's folder: CSV, or JSON lines.
        headers: landing column -> header in the file.
        extra: headers of columns that no landing column stands for.
        key: the column that names a row in the truth about spoiled ones.
        time_format: how `updated_at` is written; unused where there is no such column.
    """

    file: str
    headers: Mapping[str, str]
    key: str
    extra: tuple[str, ...] = ()
    time_format: str = TIME
    rows: list[Row] = field(default_factory=list)

    def add(self, born: datetime, identity: Identity | None = None, **values: Any) -> Row:
        """Enters a row; by landing column or extra header, what is missing is blank."""
        row = Row(born, values, identity)
        self.rows.append(row)
        return row

    def spoil(self, dice: Dice, column: str, flaw: str, text: str, count: int = 1) -> None:
        """Overwrites a filled cell in `count` rows, no row twice. Small tables stay whole."""
        if len(self.rows) < FEWEST_TO_SPOIL:
            return
        open_rows = [
            row for row in self.rows if row.flaw is None and (row.values.get(column) or column == "updated_at")
        ]
        for row in dice.sample(open_rows, count):
            row.flaw = (column, flaw, text)

    def cut(self, dice: Dice) -> None:
        """Has one line of JSON end in its middle. Small tables stay whole."""
        if len(self.rows) >= FEWEST_TO_SPOIL:
            dice.pick(self.rows).flaw = (None, "cut_line", "half of the line")

    def shown(self, until: datetime) -> Shown:
        """The table as an export of that moment has it."""
        rows = [row for row in self.rows if row.born <= until]
        time_format = self.time_format if "updated_at" in self.headers else None
        return Shown(self, rows, [row.on(until, time_format) for row in rows])


@dataclass(frozen=True)
class Shown:
    """A table as it stood: its rows, and their values at that moment."""

    sheet: Sheet
    rows: list[Row]
    values: list[dict[str, Any]]

    def csv(self, renamed: Mapping[str, str], dropped: frozenset[str] = frozenset()) -> str:
        """The table as CSV text.

        Args:
            renamed: landing columns that get another header than the sources file knows.
            dropped: landing columns that are left out.
        """
        headers = {**self.sheet.headers, **{c: h for c, h in renamed.items() if c in self.sheet.headers}}
        columns = [column for column in (*headers, *self.sheet.extra) if column not in dropped]
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow([headers.get(column, column) for column in columns])
        writer.writerows([row.get(column, "") for column in columns] for row in self.values)
        return buffer.getvalue()

    def json_lines(self) -> list[str]:
        """The rows as lines of JSON under the file's own names, blanks as null; the cut ones end in their middle."""
        names = {**self.sheet.headers, **{name: name for name in self.sheet.extra}}
        lines = jsonl({name: row.get(column) or None for column, name in names.items()} for row in self.values)
        for at, row in enumerate(self.rows):
            if row.flaw is not None and row.flaw[0] is None:
                lines[at] = lines[at][: len(lines[at]) // 2]
        return lines

    @property
    def spoiled(self) -> list[Spoiled]:
        """The rows that cannot be read, with their place in the file."""
        return [
            Spoiled(self.sheet.file, number, str(row.values[self.sheet.key]), *row.flaw)
            for number, row in enumerate(self.rows, 1)
            if row.flaw is not None
        ]

    @property
    def identities(self) -> list[Identity]:
        return [row.identity for row in self.rows if row.identity is not None]


@dataclass(frozen=True)
class Bulk:
    """A table of many plain rows, never changed once written, made as arrays.

    Attributes:
        file: CSV or Parquet.
        table: columns under the file's own names; `born`, a time stamp in local office time, is not written.
        columns: landing column -> column of the file.
    """

    file: str
    table: pa.Table
    columns: Mapping[str, str]

    def shown(self, until: datetime) -> pa.Table:
        """The rows that were there at that moment."""
        kept = pc.less_equal(self.table["born"], pa.scalar(until, pa.timestamp("us")))
        return self.table.filter(kept).drop_columns(["born"])

    def write(self, out: Path, until: datetime) -> int:
        """Writes the file and returns the number of its rows."""
        table = self.shown(until)
        if self.file.endswith(".parquet"):
            write_parquet(out / self.file, table)
        else:
            pyarrow.csv.write_csv(table, out / self.file)
        return table.num_rows


def json_text(values: pa.Array) -> pa.Array:
    """Each value as JSON. Dictionaries are encoded once for each word; nulls become null."""
    if isinstance(values, pa.DictionaryArray):
        texts = pa.array([json.dumps(word, ensure_ascii=False) for word in values.dictionary.to_pylist()], pa.string())
        found = texts.take(values.indices)
    elif pa.types.is_string(values.type):
        found = pc.binary_join_element_wise('"', values, '"', "")
    else:
        found = values.cast(pa.string())
    return pc.fill_null(found, "null")


def json_rows(columns: Mapping[str, pa.Array]) -> pa.Array:
    """Lines of JSON from columns of JSON text; one under the name "" stands as it is, names and all."""
    parts: list[pa.Array | str] = []
    lead = "{"
    for name, texts in columns.items():
        parts += [f'{lead}"{name}":' if name else lead, texts]
        lead = ","
    return pc.binary_join_element_wise(*parts, "}\n", "")


def joined(lines: pa.Array) -> bytes:
    """All lines in one piece."""
    offsets, data = lines.buffers()[1:]
    edges = np.frombuffer(offsets, dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return bytes(data.slice(int(edges[0]), int(edges[-1] - edges[0])))


def jsonl(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line of JSON for every row."""
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_bytes("".join(line + "\n" for line in lines).encode())


def write_gzip(path: Path, blocks: Iterable[bytes]) -> None:
    """Gzip with nothing in its header that depends on the day or the place; fast rather than small."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as packed:
        for block in blocks:
            packed.write(block)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Parquet with the settings pinned: the same table gives the same bytes."""
    pq.write_table(table, path, compression="snappy", version="2.6", row_group_size=1_000_000, write_statistics=True)
