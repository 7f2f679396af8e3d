"""What the connectors of web analytics exports share: landing columns written as SQL over the vendor's own columns."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.landing.typing import cleaned, typed_query
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import map_of, nearest, require_known, text_of
from persona_warehouse.sources.files import origin_of
from persona_warehouse.sources.reading import FileOptions, Place, find_files, fingerprint, reading_faults
from persona_warehouse.sources.reading.files import CSV, JSONL, PARQUET, format_of
from persona_warehouse.sources.reading.jsonl import JsonRecords, Keys, json_path, keys_of
from persona_warehouse.sources.reading.leftovers import properties_of
from persona_warehouse.sources.reading.tables import (
    RawTable,
    batches_of,
    csv_table,
    filled,
    leftovers,
    open_quotes_refused,
    parquet_table,
)
from persona_warehouse.sources.reading.text import first_line, lines_of, plain_utf8
from persona_warehouse.warehouse import identifier, literal, scratch

KEYS = {"connector", "path", "columns", "formats", "timezone", "encoding"}
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Vendor:
    """How a vendor's records become events.

    In the SQL `{name}` stands for a source column as text, null when it is empty or not there; `{a.b}` for key b of the
    nested column a; `{*}` for the whole record as text.

    Attributes:
        columns: landing column -> SQL; one that is not among them is taken from a source column of its name.
        properties: what is kept in `properties` under a name of our own -> SQL of a text or of JSON.
        formats: landing column -> format, as in Mapping.
        dropped: source columns that are in none of both, and not kept in `properties` either.
        spread: a source column that holds an object, whose keys are merged into `properties`.
        timezone: of times without an offset.
    """

    columns: dict[str, str]
    properties: dict[str, str] = field(default_factory=dict)
    formats: dict[str, str | list[str]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    spread: str | None = None
    timezone: str = "UTC"


@dataclass(frozen=True)
class RawEvents:
    """A file's records in the engine.

    Attributes:
        relation: FROM item with `source_row`.
        names: the columns; of JSON those of the first lines, more may follow.
        text: SQL of a column as text, by its name, null when it is empty.
        properties: (used names, a column whose members are kept as those of the record, members added: name -> SQL of
            JSON text) -> SQL of what is left of a record as JSON text.
        raw_row: SQL of a record as JSON text.
        broken: SQL of why a record cannot be read at all, null when it can.
        guard: is entered while the records are read, and looks at the file again at the end.
    """

    relation: str
    names: list[str]
    text: Callable[[str], str]
    properties: Callable[[set[str], str | None, dict[str, str]], str]
    raw_row: str
    broken: str
    guard: Callable[[], AbstractContextManager[None]] = nullcontext


# opens a file: (connection, place, options, folder for copies, the source columns that are wanted) -> its records
Opener = Callable[[duckdb.DuckDBPyConnection, Place, FileOptions, Path, list[str]], RawEvents]


def extract_files(
    config: dict[str, Any],
    stream: str,
    settings: Settings,
    window: Window,
    vendor: Vendor,
    *,
    example: str,
    own_keys: frozenset[str] = frozenset(),
    open_file: Opener | None = None,
    of_file: Callable[[Path], Vendor] | None = None,
) -> Iterator[Extract]:
    """One extract of events for each file that `path` matches.

    Args:
        example: of a path, for messages.
        own_keys: settings that this connector has besides KEYS.
        open_file: opens a file that is neither CSV, Parquet nor JSON lines.
        of_file: the vendor's shape where it depends on the file.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    require_known(config, KEYS | own_keys, stream=stream)
    pattern = text_of(config, "path", example, stream=stream)
    shape = contract(stream, "events")
    columns = {name: str(source) for name, source in map_of(config, "columns", stream=stream).items()}
    # the vendor's format is that of the vendor's column
    formats = {name: form for name, form in vendor.formats.items() if name not in columns}
    mapping = Mapping(
        columns=columns,
        formats={**formats, **map_of(config, "formats", stream=stream)},
        timezone=text_of(config, "timezone", "Asia/Shanghai", stream=stream, default=vendor.timezone),
    )
    check_mapping(shape, mapping)
    options = FileOptions(text_of(config, "encoding", "utf-8", stream=stream, default="utf-8"))
    for path in find_files(settings.sources_file.parent, pattern, source=stream, object="events"):
        of_this = of_file(path) if of_file else vendor
        settings_of_file = {"vendor": asdict(of_this), "mapping": asdict(mapping), "options": asdict(options)}
        yield Extract(
            object="events",
            origin=origin_of(path, settings),
            batches=lambda path=path, of_this=of_this: read_events(  # type: ignore[misc]
                path, of_this, mapping, options, open_file or open_any, origin_of(path, settings)
            ),
            fingerprint=fingerprint(path, settings_of_file),
        )


def read_events(
    path: Path, vendor: Vendor, mapping: Mapping, options: FileOptions, open_file: Opener, origin: str
) -> Iterator[pa.RecordBatch]:
    """Reads one file into the shape of `events`.

    Raises:
        ConfigError: a mapped column does not exist, nothing gives a required one, the encoding is another.
        SourceFault: the file is empty, cut or not of its format.
    """
    place = Place("website", "events", path)
    columns = columns_of(vendor, mapping)
    with reading_faults(place, "data"), scratch() as connection, tempfile.TemporaryDirectory() as folder:
        if path.stat().st_size == 0:
            raise place.empty()
        raw = open_file(connection, place, options, Path(folder), wanted_of(columns, vendor))
        _refuse_missing(columns, mapping, raw.names, contract("website", "events").required, place)
        with raw.guard():
            yield from batches_of(connection, events_query(raw, columns, vendor, mapping, origin))


def columns_of(vendor: Vendor, mapping: Mapping) -> dict[str, str]:
    """Landing column -> SQL over the vendor's own columns: the sources file's, else the vendor's, else its like."""
    return {
        **{name: f"{{{name}}}" for name in contract("website", "events").columns},
        **vendor.columns,
        **{name: f"{{{source}}}" for name, source in mapping.columns.items()},
    }


def wanted_of(columns: dict[str, str], vendor: Vendor) -> list[str]:
    """The source columns that the landing columns, and what is kept of the rest, ask for."""
    return _names_in([*columns.values(), *vendor.properties.values()])


def events_query(raw: RawEvents, columns: dict[str, str], vendor: Vendor, mapping: Mapping, origin: str) -> str:
    """SQL that turns a vendor's records into the shape of `events`."""

    # each source column once, whatever the number of places that name it
    texts = {name: identifier(f"source {name}") for name in wanted_of(columns, vendor)}
    listed = "".join(f", {raw.text(name)} as {column}" for name, column in texts.items())
    whole = f"cast({raw.raw_row} as varchar)"

    def written(template: str) -> str:
        return PLACEHOLDER.sub(lambda match: whole if match[1] == "*" else texts[match[1]], template)

    used = {*_names_in(list(columns.values())), *vendor.dropped}
    added = {name: f"cast(to_json({written(sql)}) as varchar)" for name, sql in vendor.properties.items()}
    return typed_query(
        contract("website", "events"),
        # whole columns: what stands in a branch of a case is worked out on cut ones, at several times the cost
        f"(select *, {raw.properties(used, vendor.spread, added)} as left_over"
        f" from (select *{listed}, {raw.broken} as why_broken from {raw.relation}))",
        {name: (f"({written(sql)})", "VARCHAR") for name, sql in columns.items()},
        replace(mapping, columns={}),
        origin=origin,
        properties="case when why_broken is null then left_over end",
        raw_row=raw.raw_row,
        broken="why_broken",
    )


def open_any(
    connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
) -> RawEvents:
    """Opens CSV, Parquet or JSON lines, by the file's ending.

    Raises:
        ConfigError: the ending is another.
    """
    kind = format_of(place)
    if kind == PARQUET:
        return table_events(parquet_table(connection, place))
    if kind == JSONL:
        return open_json(connection, place, options, folder, wanted)
    if kind == CSV:
        table, records = csv_table(connection, options, place, folder)
        return replace(table_events(table), guard=lambda: open_quotes_refused(records, place))
    raise place.wrong(
        "the file's format is not read by this connector",
        expected="CSV, Parquet or JSON lines",
        found=place.file.name,
        remedy="export it in one of these",
    )


def open_json(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    options: FileOptions,
    folder: Path,
    wanted: list[str],
    relation: Callable[[Callable[[], pa.RecordBatchReader]], str] | None = None,
) -> RawEvents:
    """Opens JSON lines, whatever the file is called.

    Args:
        relation: makes a FROM item of what opens the lines; None: the lines as they are.
    """
    plain = plain_utf8(place, options, folder, header_lines=0)
    place.refuse_markup(first_line(plain))
    return open_json_lines(connection, plain, place, wanted, relation)


def open_json_lines(
    connection: duckdb.DuckDBPyConnection,
    plain: Path,
    place: Place,
    wanted: list[str],
    relation: Callable[[Callable[[], pa.RecordBatchReader]], str] | None = None,
) -> RawEvents:
    """Opens JSON lines in plain UTF-8; as `open_json`."""
    connection.register("records", lines_of(plain).reader())
    keys = keys_of(connection, "records", place, first_line(plain), roots_of(wanted))
    if relation:
        return json_events(relation(lines_of(plain).reader), keys, wanted)
    connection.register("records", lines_of(plain).reader())
    return json_events("records", keys, wanted)


def table_events(table: RawTable) -> RawEvents:
    """Records with named columns; nested ones are JSON."""

    def text(name: str) -> str:
        root, _, rest = name.partition(".")
        if name in table.columns:
            return filled(*table.columns[name])
        if root in table.columns:
            return f"nullif(trim({_json_text(table.columns[root][0], rest)}), '')"
        return "cast(null as varchar)"

    def properties(used: set[str], spread: str | None, added: dict[str, str]) -> str:
        left = {name: column for name, column in table.columns.items() if name not in used}
        members = leftovers(left)
        for root, names in _below(used).items():
            if root in left and left[root][1] == "JSON":
                document, nothing = left[root][0], literal(json.dumps(dict.fromkeys(names), ensure_ascii=False))
                patched = f"cast(json_merge_patch({document}, {nothing}) as varchar)"
                members[root] = f"case when json_type({document}) = 'OBJECT' then {patched} else {members[root]} end"
        return properties_of({**members, **added})

    return RawEvents(table.relation, list(table.columns), text, properties, table.raw_row, table.broken)


def json_events(lines: str, keys: Keys, wanted: list[str], broken: str = "null") -> RawEvents:
    """JSON objects, one a line.

    Args:
        lines: FROM item with `source_row` and `line`.
        keys: those of the file, looked for below `roots_of(wanted)` too.
        wanted: the keys that will be asked for.
        broken: SQL over the lines of why one cannot be read, besides being no JSON.
    """
    records = JsonRecords(lines, keys, [tuple(name.split(".")) for name in wanted], broken)

    def properties(used: set[str], spread: str | None, added: dict[str, str]) -> str:
        return records.properties({tuple(name.split(".")) for name in used}, spread, added)

    def text(name: str) -> str:
        return cleaned(records.text(tuple(name.split("."))))

    return RawEvents(records.relation, keys.top, text, properties, records.raw_row, records.broken)


def roots_of(names: list[str]) -> list[str]:
    """The columns of which keys inside are asked for."""
    return list(_below(names))


def _below(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for root, dot, rest in (name.partition(".") for name in names):
        if dot:
            found.setdefault(root, []).append(rest)
    return found


def _json_text(document: str, name: str) -> str:
    return f"json_extract_string({document}, {literal(json_path(tuple(name.split('.'))))})"


def _names_in(templates: list[str]) -> list[str]:
    return list(dict.fromkeys(name for sql in templates for name in PLACEHOLDER.findall(sql) if name != "*"))


def _refuse_missing(
    columns: dict[str, str], mapping: Mapping, names: list[str], required: tuple[str, ...], place: Place
) -> None:
    """Refuses a file that nothing gives a required or a mapped column: it is probably of another kind."""
    for wanted, sql in columns.items():
        sources = PLACEHOLDER.findall(sql)
        known = any(source == "*" or source in names or source.partition(".")[0] in names for source in sources)
        if not known and (wanted in required or wanted in mapping.columns):
            raise place.wrong(
                "a mapped column is not in the file" if wanted in mapping.columns else "a required column is not there",
                field=wanted,
                expected=f"one of the columns {', '.join(dict.fromkeys(sources))}",
                found=", ".join(names) + nearest(sources[0], names),
                remedy="correct `columns:` of this entry in the sources file, or its `path:`",
            )
