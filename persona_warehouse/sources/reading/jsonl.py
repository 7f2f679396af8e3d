"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.sources.reading.place import FileOptions, Place
from persona_warehouse.sources.reading.tables import batches_of, merged_properties, refuse_missing
from persona_warehouse.sources.reading.text import first_line, lines_of, plain_utf8, whole_lines
from persona_warehouse.warehouse import literal

IS_OBJECT = "(json_valid(line) and json_type(case when json_valid(line) then line end) = 'OBJECT')"
SAMPLE_LINES = 10_000


def read_jsonl(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    options: FileOptions,
    place: Place,
    folder: Path,
) -> Iterator[pa.RecordBatch]:
    """JSON lines; a line that is no JSON object is one row in error, keys that nothing maps go to `properties`."""
    plain = plain_utf8(place, options, folder, header_lines=0)
    place.refuse_markup(first_line(plain))
    taken = set(mapping.columns.values())
    mapped = {**{name: name for name in contract.columns if name not in taken}, **mapping.columns}
    _check_keys(connection, contract, mapping, mapped, place, plain)
    connection.register("records", lines_of(plain).reader())
    keys = [*mapped.values(), "properties"]
    paths = ", ".join(literal("$." + json.dumps(key, ensure_ascii=False)) for key in keys)
    known = literal(json.dumps(dict.fromkeys(keys), ensure_ascii=False))
    query = typed_query(
        contract,
        f"""(
            select source_row, line, valid, case when valid then json_extract_string(line, [{paths}]) end as parts
            from (
                select source_row, line, {IS_OBJECT} as valid
                from {whole_lines("records")} where trim(line) <> ''
            )
        )""",
        {wanted: (f"parts[{index}]", "VARCHAR") for index, wanted in enumerate(mapped, 1)},
        mapping,
        origin=place.file.name,
        properties=f"case when valid then {merged_properties(f'line, {known}', f'parts[{len(keys)}]')} end",
        raw_row="case when valid then line else cast(to_json(line) as varchar) end",
        broken="case when not valid then json_object('field', null, 'rule', 'malformed_json', 'expected',"
        " 'one JSON object a line', 'found', left(line, 40)) end",
    )
    yield from batches_of(connection, query)


def _check_keys(
    connection: duckdb.DuckDBPyConnection,
    contract: ObjectContract,
    mapping: Mapping,
    mapped: dict[str, str],
    place: Place,
    plain: Path,
) -> None:
    """Refuses a file whose first lines are no JSON objects, or do not have a required key."""
    head = pa.Table.from_batches([next(lines_of(plain).reader())]).slice(0, SAMPLE_LINES)
    keys = keys_of(connection, head, place, first_line(plain))
    refuse_missing(contract, mapping, mapped, keys, place)


def keys_of(connection: duckdb.DuckDBPyConnection, head: pa.Table, place: Place, first: str) -> list[str]:
    """The keys of the first lines (a table with `line`); `first` is the file's first line.

    Raises:
        SourceFault: none of them is a JSON object.
    """
    connection.register("head", head)
    objects = f"(select line from head where {IS_OBJECT})"
    keys = connection.execute(f"select distinct unnest(json_keys(line)) from {objects} order by 1").fetchall()
    if not keys or first.strip().startswith("["):
        raise place.fault(
            "the file holds no JSON lines",
            expected="one JSON object a line",
            found=f"a first line that begins with {first.strip()[:1]!r}",
            remedy="export it as JSON lines (an array or an indented object is not read)",
        )
    return [str(key) for (key,) in keys]
