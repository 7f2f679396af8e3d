"""A file of any format as columns of text, for those who look at it before anybody has said what it holds."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.sources.reading.files import CSV, PARQUET, XLSX, format_of
from persona_warehouse.sources.reading.jsonl import keys_of
from persona_warehouse.sources.reading.place import FileOptions, Place, reading_faults
from persona_warehouse.sources.reading.tables import RawTable, csv_table, open_quotes_refused, parquet_table, xlsx_table
from persona_warehouse.sources.reading.text import first_line, lines_of, plain_utf8
from persona_warehouse.warehouse import identifier, literal, scratch


def text_table(place: Place, options: FileOptions, *, rows: int | None = None) -> pa.Table:
    """The file's columns as texts, blanks as null, rows in their order; blank rows of CSV and JSON lines count.

    Args:
        rows: how many of the first rows are enough; None takes all.

    Raises:
        ConfigError: the format, the encoding or the sheet is another.
        SourceFault: it is empty, cut, or a web page.
    """
    kind = format_of(place)
    with reading_faults(place, kind), scratch() as connection, tempfile.TemporaryDirectory() as folder:
        if place.file.stat().st_size == 0:
            raise place.empty()
        if kind == CSV:
            raw, records = csv_table(connection, options, place, Path(folder))
            raw = replace(raw, relation="records")
            if rows is not None:
                return _texts(connection, raw, rows)
            with open_quotes_refused(records, place):
                return _texts(connection, raw)
        if kind == XLSX:
            return _texts(connection, xlsx_table(connection, options, place), rows)
        if kind == PARQUET:
            return _texts(connection, parquet_table(connection, place), rows)
        plain = plain_utf8(place, options, Path(folder), header_lines=0)
        connection.register("records", lines_of(plain).reader())
        names = keys_of(connection, "records", place, first_line(plain)).top
        connection.register("records", lines_of(plain).reader())
        columns = {
            name: (f"json_extract_string(record, {literal('$.' + json.dumps(name))})", "VARCHAR") for name in names
        }
        # a line that is no JSON is a row without values
        valid = "(select *, case when json_valid(line) then line end as record from records)"
        return _texts(connection, RawTable(valid, columns, "null"), rows)


def _texts(connection: duckdb.DuckDBPyConnection, raw: RawTable, rows: int | None = None) -> pa.Table:
    # engine's names are their places: it would take Name and name for one
    columns = ", ".join(
        f"nullif(trim(cast({sql} as varchar)), '') as {identifier(f't{place}')}"
        for place, (sql, _) in enumerate(raw.columns.values())
    )
    # a limit before the order: of a long file only its beginning is read
    taken = raw.relation if rows is None else f"(select * from {raw.relation} limit {rows})"
    table = connection.execute(f"select {columns} from {taken} order by source_row").to_arrow_table()
    return table.rename_columns(list(raw.columns))
