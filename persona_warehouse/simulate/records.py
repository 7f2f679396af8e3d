"""Tables on their way into a source file, the rows in them that were spoiled, and how each kind of file is written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from persona_warehouse.simulate.dice import Dice

# below this a table is left whole: in a small world a spoiled row would be half of the story
FEWEST_TO_SPOIL = 20


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
class Sheet:
    """The rows of one CRM object.

    Attributes:
        file: where it goes, relative to the world's folder.
        headers: landing column -> header in the file.
        extra: headers of columns that no landing column stands for.
        rows: by landing column (or extra header); what is missing is blank.
        spoiled: the rows that were made unreadable.
    """

    file: str
    headers: Mapping[str, str]
    extra: tuple[str, ...] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    spoiled: list[Spoiled] = field(default_factory=list)

    def spoil(self, dice: Dice, key: str, column: str, flaw: str, text: str, count: int = 1) -> None:
        """Overwrites a filled cell in `count` rows, no row twice. Small tables stay whole."""
        if len(self.rows) < FEWEST_TO_SPOIL:
            return
        taken = {spoiled.row for spoiled in self.spoiled}
        open_rows = [n for n, row in enumerate(self.rows, 1) if row.get(column) and n not in taken]
        for number in dice.sample(open_rows, count):
            row = self.rows[number - 1]
            row[column] = text
            self.spoiled.append(Spoiled(self.file, number, str(row[key]), column, flaw, text))

    def cut(self, dice: Dice, key: str) -> None:
        """Has one line of JSON end in its middle. Small tables stay whole."""
        if len(self.rows) >= FEWEST_TO_SPOIL:
            number = dice.whole(1, len(self.rows))
            name = str(self.rows[number - 1][key])
            self.spoiled.append(Spoiled(self.file, number, name, None, "cut_line", "half of the line"))

    def csv(self, renamed: Mapping[str, str] | None = None) -> str:
        """The table as CSV text. `renamed` gives landing columns another header than the sources file knows."""
        headers = {**self.headers, **(renamed or {})}
        columns = [*headers, *self.extra]
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow([headers.get(column, column) for column in columns])
        writer.writerows([row.get(column, "") for column in columns] for row in self.rows)
        return buffer.getvalue()

    def json_lines(self) -> list[str]:
        """The rows as lines of JSON under the file's own names, blanks as null; the cut ones end in their middle."""
        names = {**self.headers, **{name: name for name in self.extra}}
        lines = jsonl({name: row.get(column) or None for column, name in names.items()} for row in self.rows)
        for spoiled in self.spoiled:
            if spoiled.flaw == "cut_line":
                line = lines[spoiled.row - 1]
                lines[spoiled.row - 1] = line[: len(line) // 2]
        return lines


def jsonl(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line of JSON for every row."""
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]


def write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_bytes("".join(line + "\n" for line in lines).encode())


def write_gzip(path: Path, data: bytes) -> None:
    """Gzip with nothing in its header that depends on the day or the place."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=4, fileobj=raw, mtime=0) as packed:
        packed.write(data)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Parquet with the settings pinned: the same table gives the same bytes."""
    pq.write_table(table, path, compression="snappy", version="2.6", row_group_size=1_000_000, write_statistics=True)
