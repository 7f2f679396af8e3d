"""Any table that somebody has at hand, as columns of text, and what was made of it, written beside them."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from persona_warehouse.errors import ConfigError
from persona_warehouse.files import write_atomically
from persona_warehouse.sources.reading.files import CSV, JSONL, format_of
from persona_warehouse.sources.reading.place import FileOptions, Place
from persona_warehouse.sources.reading.texts import text_table

# what people's files are in when they are not in UTF-8
FALLBACK_ENCODING = "gb18030"


def read_table(path: Path, *, encoding: str | None = None) -> pa.Table:
    """A CSV, XLSX, Parquet or JSON lines file as text columns, in its own order. Blanks are null.

    Args:
        encoding: of text files; None goes by the byte order mark, else tries UTF-8, then GB18030.

    Raises:
        ConfigError: there is no such file, its format or encoding is unknown.
        SourceFault: it is empty, cut, or a web page.
    """
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=3, cutoff=0.5)
        raise ConfigError(
            "there is no such file",
            file=str(path),
            expected="a CSV, XLSX, Parquet or JSON lines file",
            found="a folder" if path.is_dir() else f"nothing there{'; similar: ' + ', '.join(near) if near else ''}",
            remedy="correct the path",
        )
    place = Place("try", path.stem, path)
    with path.open("rb") as stream:
        # spreadsheets save "Unicode text" so
        if encoding is None and stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            encoding = "utf-16"
    if encoding is None and format_of(place) in (CSV, JSONL):
        try:
            return text_table(place, FileOptions("utf-8"))
        except ConfigError as error:
            if "encoding" not in error.problem:
                raise
            return text_table(place, FileOptions(FALLBACK_ENCODING))
    return text_table(place, FileOptions(encoding or "utf-8"))


def read_column(
    path: Path, wanted: str | None, usual: Sequence[str], encoding: str | None
) -> tuple[pa.Table, pa.ChunkedArray]:
    """A file's table and the column that is meant (`read_table`, `choose_column`)."""
    table = read_table(path, encoding=encoding)
    return table, table.column(choose_column(table, wanted, usual, path))


def choose_column(
    table: pa.Table, wanted: str | None, usual: Sequence[str], path: Path, *, option: str = "--column"
) -> str:
    """The column that is meant: the one named, the only one, or the one with a usual name.

    Args:
        option: of the command line, that names it.

    Raises:
        ConfigError: there is no such column, or none with a usual name.
    """
    names = table.column_names
    if wanted is None:
        if len(names) == 1:
            return names[0]
        by_name = {name.strip().lower().replace(" ", "_"): name for name in reversed(names)}
        found = next((by_name[name] for name in usual if name in by_name), None)
        if found is not None:
            return found
    elif wanted in names:
        return wanted
    near = difflib.get_close_matches(wanted or (usual or ("",))[0], names, n=1)
    raise ConfigError(
        "no such column" if wanted else "which column is meant is not clear",
        file=str(path),
        field=wanted,
        expected="one of: " + ", ".join(names),
        found=(wanted or f"no {option}, and no column called " + ", ".join(usual[:3]))
        + (f" (nearest: {near[0]})" if near else ""),
        remedy=f"give {option} NAME",
    )


def beside(table: pa.Table, results: dict[str, pa.Array]) -> pa.Table:
    """The input with the results to its right; an input column of a result's name is called `input_<name>`."""
    names = [f"input_{name}" if name in results else name for name in table.column_names]
    found = table.rename_columns(names)
    for name, values in results.items():
        found = found.append_column(name, values)
    return found


def write_table(table: pa.Table, out: Path) -> None:
    """Writes Parquet or, for any other ending, CSV in UTF-8.

    Raises:
        ConfigError: the folder does not exist.
    """
    if not out.parent.is_dir():
        raise ConfigError(
            "the folder for the result does not exist", file=str(out), remedy="make it, or give another --out"
        )
    sink = pa.BufferOutputStream()
    if out.suffix.lower() == ".parquet":
        pq.write_table(table, sink)
    else:
        pacsv.write_csv(table, sink)
    write_atomically(out, sink.getvalue().to_pybytes())


__all__ = ["beside", "choose_column", "read_column", "read_table", "write_table"]
