"""Formats with named columns: CSV, XLSX and Parquet."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.typing import cleaned, is_bare, typed_query
from persona_warehouse.sources.reading.bombs import refuse_bomb
from persona_warehouse.sources.reading.leftovers import json_text, own_properties, properties_of, without_nulls
from persona_warehouse.sources.reading.place import FileOptions, Place
from persona_warehouse.sources.reading.text import BLOCK, Records, plain_utf8
from persona_warehouse.warehouse import literal

BATCH_ROWS = 200_000
DELIMITERS = ",\t;|"
NESTED = ("STRUCT", "MAP", "UNION", "JSON")


@dataclass(frozen=True)
class RawTable:
    """Raw rows in the engine.

    Attributes:
        relation: FROM item with `source_row`.
        columns: name in the source -> (SQL expression, its DuckDB type).
        raw_row: SQL of a row as JSON text.
        broken: SQL of why a row cannot be read at all, null when it can.
    """

    relation: str
    columns: dict[str, tuple[str, str]]
    raw_row: str
    broken: str = "null"


def batches_of(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """The result of a query as Arrow batches."""
    reader = connection.execute(query).to_arrow_reader(BATCH_ROWS)
    yield from (batch for batch in reader if batch.num_rows)


def read_csv(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    """CSV with a header line; a record with too few or too many fields is one row in error."""
    table, records = csv_table(connection, options, place, folder)
    with open_quotes_refused(records, place):
        yield from typed_batches(connection, contract, mapping, place, table)


def csv_table(
    connection: duckdb.DuckDBPyConnection, options: FileOptions, place: Place, folder: Path
) -> tuple[RawTable, Records]:
    """A CSV with a header line as raw rows; they are read once."""
    plain = plain_utf8(place, options, folder, header_lines=1)
    names, delimiter, offset = _header(plain, options, place)
    records = Records(plain, _positions(names), offset=offset, delimiter=delimiter, quote='"')
    return records_table(connection, records, names), records


def records_table(connection: duckdb.DuckDBPyConnection, records: Records, names: list[str]) -> RawTable:
    """Records as raw rows, their fields called by `names`; blank ones are passed over."""
    fields = records.fields
    connection.register("records", records.reader())
    columns = dict(zip(unique_names(names), ((field, "VARCHAR") for field in fields), strict=True))
    return RawTable(
        f"(select * from records where malformed is not null or {_not_blank(fields)})",
        columns,
        f"case when malformed is not null then to_json(malformed) else {_json_object(columns)} end",
        "case when malformed is not null then json_object('field', null, 'rule', 'malformed_row', 'expected',"
        f" '{len(fields)} fields', 'found', malformed_fields || ' fields') end",
    )


@contextmanager
def open_quotes_refused(records: Records, place: Place) -> Iterator[None]:
    """Looks for a quote that was never closed after the records were read, or when the engine gave up on them.

    Raises:
        SourceFault: there is one.
    """
    try:
        yield
    except duckdb.Error:
        refuse_open_quote(records, place)
        raise
    refuse_open_quote(records, place)


def _header(plain: Path, options: FileOptions, place: Place) -> tuple[list[str], str, int]:
    """The column names, the delimiter, and where the first record begins (in bytes)."""
    read: list[str] = []
    with plain.open(encoding="utf-8", newline="") as stream:
        first = ""
        while not first.strip("\ufeff \r\n"):
            first = stream.readline()
            read.append(first)
        place.refuse_markup(first)
        delimiter = options.delimiter or max(DELIMITERS, key=first.count)

        def lines() -> Iterator[str]:
            yield first.lstrip("\ufeff")
            for line in stream:
                read.append(line)
                yield line

        try:
            names = next(csv.reader(lines(), delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise place.fault(
                "the header line cannot be read",
                expected="column names, and quotes around them closed",
                found=str(error),
                remedy="correct the header line, or export the file again",
            ) from error
    return [name.strip() for name in names], delimiter, len("".join(read).encode())


def refuse_open_quote(records: Records, place: Place) -> None:
    """Refuses a file in which a quote is opened and never closed: it swallows the rows after it without a word.

    Only a file with fewer records than lines, or with an odd quote in its last line, is gone through for it.

    Raises:
        SourceFault: there is one.
    """
    lines, last = _count_lines(records)
    if lines == records.taken and last.count(b'"') % 2 == 0:
        return
    with records.path.open("rb") as raw:
        raw.seek(records.offset)
        text = (line.decode("utf-8") for line in raw)
        csv.field_size_limit(BLOCK)
        reader = csv.reader(text, delimiter=records.delimiter, strict=True)
        row = 0
        while True:
            row, begun = row + 1, reader.line_num
            try:
                next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # what follows a closing quote on the same line is a blemish that the reader puts up with
                if "end of data" in str(error) or "field larger" in str(error) or reader.line_num > begun + 1:
                    raise place.fault(
                        "a quote is opened and never closed",
                        row=row,
                        expected='a field that begins with " to end with one, and quotes inside it doubled',
                        found=f"{reader.line_num - begun} lines in one field",
                        remedy="correct the row, or export the file again: it may be cut there; nothing was loaded",
                    ) from error


def _count_lines(records: Records) -> tuple[int, bytes]:
    """How many lines the records stand on, and the last one."""
    count, last = 0, b""
    with records.path.open("rb") as stream:
        stream.seek(records.offset)
        for last in stream:
            # a lone carriage return ends a line too
            count += last.count(b"\r") - last.count(b"\r\n") + (not last.endswith(b"\r"))
    return count, last


def unique_names(names: list[str]) -> list[str]:
    """Column names as they stand; blank ones are named by their place, repeated ones get a number."""
    taken = set(names)
    result: list[str] = []
    for index, name in enumerate(names, 1):
        base, number = name or f"column_{index}", 1
        unique = base
        while unique in result or (unique != name and unique in taken):
            number += 1
            unique = f"{base}_{number}"
        result.append(unique)
    return result


def _positions(names: list[str]) -> list[str]:
    # the engine knows columns by their place: it would take Name and name for one
    return [f"c{index}" for index in range(1, len(names) + 1)]


def _not_blank(fields: list[str]) -> str:
    return "(" + " or ".join(f"{field} <> ''" for field in fields) + ")"


def read_xlsx(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    """A sheet of a workbook; its first row that is not blank is the header."""
    yield from typed_batches(connection, contract, mapping, place, xlsx_table(connection, options, place))


def xlsx_table(connection: duckdb.DuckDBPyConnection, options: FileOptions, place: Place) -> RawTable:
    """A sheet of a workbook as raw rows."""
    import fastexcel

    refuse_bomb(place)
    try:
        book = fastexcel.read_excel(str(place.file))
        sheet = options.sheet or book.sheet_names[0]
        if sheet not in book.sheet_names:
            raise place.wrong(
                "no such sheet",
                expected=f"one of: {', '.join(book.sheet_names)}",
                found=sheet,
                remedy="correct `sheet:` in the sources file",
            )
        cells = pa.table(book.load_sheet(sheet, header_row=None, dtypes="string").to_arrow())
    except fastexcel.FastExcelError as error:
        raise place.fault(
            "the workbook cannot be read",
            expected="an .xlsx workbook",
            found=str(error).splitlines()[0][:200],
            remedy="open it in a spreadsheet program and save it again as .xlsx",
        ) from error
    head = [str(value or "").strip() for row in cells.slice(0, 1).to_pylist() for value in row.values()]
    if not any(head):
        raise place.empty()
    fields = _positions(head)
    rows = cells.slice(1).rename_columns(fields)
    connection.register("sheet", rows.append_column("source_row", pa.array(np.arange(1, rows.num_rows + 1))))
    columns = dict(zip(unique_names(head), ((field, "VARCHAR") for field in fields), strict=True))
    return RawTable(f"(select * from sheet where {_not_blank(fields)})", columns, _json_object(columns))


def read_parquet(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    """Parquet: times, numbers and lists come with their own types."""
    yield from typed_batches(connection, contract, mapping, place, parquet_table(connection, place))


def parquet_table(connection: duckdb.DuckDBPyConnection, place: Place) -> RawTable:
    """A Parquet file as raw rows; nested columns as JSON."""
    names = pq.read_schema(place.file).names
    fields = _positions(names)
    rows = f"(select * from read_parquet({literal(place.file)}, file_row_number = true))"
    source = f"{rows} as raw({', '.join(fields)}, number)"
    described = connection.execute(f"describe select * exclude (number) from {source}").fetchall()
    columns, nested = {}, ""
    for name, (field, kind, *_) in zip(unique_names(names), described, strict=True):
        if str(kind).endswith("[]") or str(kind).startswith(NESTED):
            nested += f", to_json({field}) as {field}_json"
            columns[name] = (f"{field}_json", "JSON")
        elif kind in ("DOUBLE", "FLOAT"):
            # some writers know no other way to leave a number out
            columns[name] = (f"case when not isnan({field}) then {field} end", str(kind))
        else:
            columns[name] = (str(field), str(kind))
    return RawTable(f"(select *, number + 1 as source_row{nested} from {source})", columns, _json_object(columns))


def typed_batches(
    connection: duckdb.DuckDBPyConnection, contract: ObjectContract, mapping: Mapping, place: Place, table: RawTable
) -> Iterator[pa.RecordBatch]:
    """A raw table in the landing shape."""
    mapped = map_columns(contract, mapping, list(table.columns), place)
    query = typed_query(
        contract,
        table.relation,
        {wanted: table.columns[name] for wanted, name in mapped.items()},
        mapping,
        origin=place.file.name,
        properties=_properties({name: raw for name, raw in table.columns.items() if name not in mapped.values()}),
        raw_row=table.raw_row,
        broken=table.broken,
    )
    yield from batches_of(connection, query)


def map_columns(contract: ObjectContract, mapping: Mapping, columns: list[str], place: Place) -> dict[str, str]:
    """Landing column -> source column: those that the sources file names, and those that bear the landing name.

    Raises:
        ConfigError: a named source column does not exist, or nothing gives a required landing column.
    """
    for named in mapping.columns.values():
        if named not in columns:
            raise _no_such_column("a mapped column is not in the file", place, named, columns)
    taken = set(mapping.columns.values())
    own = {name: name for name in contract.columns if name in columns and name not in taken}
    mapped = {**own, **mapping.columns}
    refuse_missing(contract, mapping, mapped, columns, place)
    return mapped


def refuse_missing(
    contract: ObjectContract, mapping: Mapping, mapped: dict[str, str], columns: list[str], place: Place
) -> None:
    """Refuses a file that nothing gives a required column: not one of its rows could be used.

    Raises:
        ConfigError: there is one.
    """
    for name in contract.required:
        if mapped.get(name) not in columns and name not in mapping.constants:
            raise _no_such_column("a required column is not in the file", place, mapped.get(name, name), columns)


def _no_such_column(problem: str, place: Place, name: str, columns: list[str]) -> ConfigError:
    near = difflib.get_close_matches(name, columns, n=3, cutoff=0.4)
    return place.wrong(
        problem,
        field=name,
        expected=f"a column {name}",
        found=", ".join(columns) + (f" (nearest: {', '.join(near)})" if near else ""),
        remedy=_what_to_do(columns),
    )


def _what_to_do(columns: list[str]) -> str:
    """How a file is put right that lacks a column, by what its header looks like."""
    if len(columns) == 1 and (marks := [mark for mark in DELIMITERS if mark in columns[0]]):
        named = "tab" if marks[0] == "\t" else f'"{marks[0]}"'
        return f"the header is one column: set `delimiter: {named}` for this object, or take the setting out"
    filled = [name for name in columns if not re.fullmatch(r"column_\d+", name)]
    if len(filled) == 1:
        return "if a title stands above the column names, take those rows out; else correct `columns:` of this object"
    return "correct `columns:` of this object in the sources file"


def _json_object(columns: dict[str, tuple[str, str]]) -> str:
    return f"json_object({', '.join(f'{literal(name)}, {raw}' for name, (raw, _) in columns.items())})"


def _properties(columns: dict[str, tuple[str, str]]) -> str:
    """SQL of the unmapped columns as JSON text; a column `properties` that holds an object is merged into it."""
    rest = {name: raw for name, raw in columns.items() if name != "properties"}
    own = [own_properties(filled(*columns["properties"]))] if "properties" in columns else []
    return properties_of(leftovers(rest), own)


def leftovers(columns: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Columns as members of `properties`: name -> SQL of JSON text, null when there is nothing in it."""
    members = {}
    for name, (raw, kind) in columns.items():
        if kind == "JSON":
            members[name] = without_nulls(f"cast({raw} as varchar)")
        elif kind == "VARCHAR":
            # of a hundred columns most are empty in most rows: those cost one look
            members[name] = f"case when {raw} <> '' then {json_text(cleaned(raw))} end"
        else:
            members[name] = json_text(filled(raw, kind))
    return members


def filled(raw: str, kind: str) -> str:
    """SQL of a raw value as text without blanks around it, null when it is empty."""
    if kind == "VARCHAR":
        return cleaned(raw)
    return f"cast({raw} as varchar)" if is_bare(kind) else f"nullif(trim(cast({raw} as varchar)), '')"
