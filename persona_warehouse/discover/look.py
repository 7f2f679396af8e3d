"""What stands in a folder: files that can be read, each with its encoding and its first rows."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.sources.reading.files import CSV, FORMATS, JSONL, XLSX, format_of
from persona_warehouse.sources.reading.place import FileOptions, Place
from persona_warehouse.sources.reading.texts import text_table

# rows that are looked at: enough for a rare form of a date to show
ROWS = 50_000
# bytes in which an encoding shows
HEAD = 1 << 18
BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
LOG_LINE = re.compile(r'^\S+ \S+ .+? \[[^\]]+\] "(?:[^"\\]|\\.)*" \d{3} (\d+|-) "')


@dataclass(frozen=True)
class Looked:
    """A file, or a sheet of a workbook, as it was found.

    Attributes:
        name: from the folder.
        encoding: of text; empty for workbooks and Parquet.
        sheet: of a workbook with several.
        table: its first rows as texts; None for a log of a web server.
        problem: why it could not be read.
    """

    path: Path
    name: str
    encoding: str = ""
    sheet: str | None = None
    table: pa.Table | None = None
    problem: str = ""
    columns: list[str] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """What the file, or the sheet, is called, without its endings."""
        return self.sheet or self.path.name.split(".")[0]


def look(folder: Path) -> list[Looked]:
    """Everything in a folder and below it that could be an export, in order of names.

    Raises:
        ConfigError: there is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise ConfigError(
            "there is no such folder",
            file=str(folder),
            expected="a folder of exports",
            found="a file" if folder.exists() else "nothing there",
            remedy="give the folder that holds the exports: persona init exports/",
        )
    paths = [path for path in sorted(folder.rglob("*")) if _is_export(path, folder)]
    if not paths:
        raise ConfigError(
            "the folder holds no exports",
            file=str(folder),
            expected=f"files that end with {', '.join(FORMATS)}; text may be followed by .gz",
            found=", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing",
            remedy="put the exports there",
        )
    return [looked for path in paths for looked in _look_at(path, folder)]


def _is_export(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    by_ending = bool(endings) and endings[-1] in FORMATS
    return path.is_file() and not hidden and (by_ending or "log" in path.name.lower())


def _look_at(path: Path, folder: Path) -> Iterator[Looked]:
    name = path.relative_to(folder).as_posix()
    head = _head(path)
    if LOG_LINE.match(head.decode("utf-8", "replace").lstrip("\ufeff")):
        yield Looked(path, name, encoding="utf-8")
        return
    place = Place("init", path.stem, path)
    try:
        kind = format_of(place)
        encoding = encoding_of(head) if kind in (CSV, JSONL) else ""
        sheets = _sheets(path) if kind == XLSX else [None]
    except PersonaError as error:
        yield Looked(path, name, problem=error.problem)
        return
    for sheet in sheets:
        try:
            table = text_table(place, FileOptions(encoding or "utf-8", sheet=sheet), rows=ROWS)
        except PersonaError as error:
            yield Looked(path, name, encoding, sheet, problem=error.problem)
        else:
            told = sheet if len(sheets) > 1 else None
            yield Looked(path, name, encoding, told, table, columns=table.column_names)


def _head(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            return stream.read(HEAD)
    except (OSError, EOFError):
        return b""


def _sheets(path: Path) -> list[str | None]:
    import fastexcel

    try:
        return list(fastexcel.read_excel(str(path)).sheet_names)
    except fastexcel.FastExcelError:
        return [None]


def encoding_of(head: bytes) -> str:
    """The encoding of text by its first bytes: a mark, else UTF-8, else what gives the commonest Chinese characters."""
    for mark, name in BOMS.items():
        if head.startswith(mark):
            return name
    # the last character may be cut
    cut = head[: head.rfind(b"\n") + 1] or head
    try:
        cut.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    best = max(("gb18030", "big5"), key=lambda name: _plausible(cut, name))
    return best if _plausible(cut, best) > 0.5 else "cp1252"


def _plausible(text: bytes, encoding: str) -> float:
    """Of the characters beyond ASCII the share that is in everyday use in texts of that encoding."""
    try:
        others = [character for character in text.decode(encoding) if character > "\x7f"]
    except UnicodeDecodeError:
        return 0.0
    # of the characters of each standard the first half are the everyday ones, and its signs stand before them
    low, high = ("\xa1", "\xd7") if encoding == "gb18030" else ("\xa1", "\xc6")
    narrow = "gb2312" if encoding == "gb18030" else encoding
    everyday = sum(low <= chr((one.encode(narrow, "ignore") or b"\0")[0]) <= high for one in others)
    return everyday / max(len(others), 1)
