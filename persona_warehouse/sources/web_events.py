"""What the connectors of web analytics exports share: landing columns written as SQL over the vendor's own columns."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
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
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import map_of, nearest, require_known, text_of
from persona_warehouse.sources.files import origin_of
from persona_warehouse.sources.reading import FileOptions, Place, find_files, fingerprint, reading_faults
from persona_warehouse.sources.reading.files import CSV, JSONL, PARQUET, format_of
from persona_warehouse.sources.reading.jsonl import IS_OBJECT, SAMPLE_LINES, keys_of
from persona_warehouse.sources.reading.tables import (
    RawTable,
    batches_of,
    csv_table,
    open_quotes_refused,
    parquet_table,
)
from persona_warehouse.sources.reading.text import first_line, lines_of, plain_utf8, whole_lines
from persona_warehouse.warehouse import literal, scratch

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
        text: SQL of a column as text, by its name.
        document: SQL of a record as a JSON object, without the named columns.
        raw_row: SQL of a record as JSON text.
        broken: SQL of why a record cannot be read at all, null when it can.
        guard: is entered while the records are read, and looks at the file again at the end.
    """

    relation: str
    names: list[str]
    text: Callable[[str], str]
    document: Callable[[set[str]], str]
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
    spread = [vendor.spread] if vendor.spread else []
    return list(dict.fromkeys([*_names_in([*columns.values(), *vendor.properties.values()]), *spread]))


def events_query(raw: RawEvents, columns: dict[str, str], vendor: Vendor, mapping: Mapping, origin: str) -> str:
    """SQL that turns a vendor's records into the shape of `events`."""

    def filled(template: str) -> str:
        return PLACEHOLDER.sub(lambda match: _text(raw, match[1]), template)

    used = {*_names_in(list(columns.values())), *vendor.dropped}
    return typed_query(
        contract("website", "events"),
        raw.relation,
        {name: (f"({filled(sql)})", "VARCHAR") for name, sql in columns.items()},
        replace(mapping, columns={}),
        origin=origin,
        properties=f"case when ({raw.broken}) is null then {_properties(raw, vendor, used, filled)} end",
        raw_row=raw.raw_row,
        broken=raw.broken,
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
    connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
) -> RawEvents:
    """Opens JSON lines, whatever the file is called."""
    plain = plain_utf8(place, options, folder, header_lines=0)
    place.refuse_markup(first_line(plain))
    head = pa.Table.from_batches([next(lines_of(plain).reader())]).slice(0, SAMPLE_LINES)
    names = keys_of(connection, head, place, first_line(plain))
    connection.register("records", lines_of(plain).reader())
    return json_events(whole_lines("records"), names, wanted)


def table_events(table: RawTable) -> RawEvents:
    """Records with named columns; nested ones are JSON."""

    def text(name: str) -> str:
        root, _, rest = name.partition(".")
        if name in table.columns:
            return _filled(table.columns[name][0])
        if root in table.columns:
            return _filled(_json_text(table.columns[root][0], rest))
        return "null"

    def document(without: set[str]) -> str:
        left = {name: column for name, column in table.columns.items() if name not in without}
        # a merge patch looks every key up among all others: of many columns only the filled ones are given to it
        entries = ", ".join(
            f"{{'key': {literal(name)}, 'value': {_filled(raw)}}}"
            for name, (raw, kind) in left.items()
            if kind != "JSON"
        )
        filled = f"to_json(map_from_entries(list_filter([{entries}], e -> e.value is not null)))"
        nested = ", ".join(f"{literal(name)}, {raw}" for name, (raw, kind) in left.items() if kind == "JSON")
        whole = {name: raw for name, (raw, kind) in table.columns.items() if kind == "JSON" and name not in without}
        documents = [filled if entries else "'{}'", f"json_object({nested})"]
        return ", ".join([*documents, *_without_nested(without, whole)])

    return RawEvents(table.relation, list(table.columns), text, document, table.raw_row, table.broken)


def json_events(lines: str, names: list[str], wanted: list[str], broken: str = "null") -> RawEvents:
    """JSON objects, one a line.

    Args:
        lines: FROM item with `source_row` and `line`.
        names: the keys, as far as they are known.
        wanted: the keys that will be asked for.
        broken: SQL over the lines of why one cannot be read, besides being no JSON.
    """
    paths = ", ".join(literal(_path(name)) for name in wanted)
    places = {name: f"parts[{index}]" for index, name in enumerate(wanted, 1)}
    relation = f"""(
        select *, case when valid then json_extract_string(line, [{paths}]) end as parts
        from (select *, {IS_OBJECT} as valid from {lines} where trim(line) <> '')
    )"""

    def document(without: set[str]) -> str:
        roots = {name.partition(".")[0] for name in without} - without
        whole = {root: f"json_extract(line, {literal(_path(root))})" for root in roots}
        top = {name: None for name in sorted(without) if "." not in name}
        return ", ".join(["line", _json_literal(top), *_without_nested(without, whole)])

    malformed = (
        "case when not valid then json_object('field', null, 'rule', 'malformed_json', 'expected',"
        " 'one JSON object a line', 'found', left(line, 40)) end"
    )
    return RawEvents(
        relation,
        names,
        lambda name: _filled(places[name]),
        document,
        "case when valid then line else cast(to_json(line) as varchar) end",
        f"coalesce({broken}, {malformed})" if broken != "null" else malformed,
    )


def _properties(raw: RawEvents, vendor: Vendor, used: set[str], filled: Callable[[str], str]) -> str:
    """SQL of what is left of a record as JSON text, null when nothing is."""
    top = {name for name in used if vendor.spread is None or not name.startswith(f"{vendor.spread}.")}
    parts = [raw.document(top | ({vendor.spread} if vendor.spread else set()))]
    if vendor.spread:
        own = _text(raw, vendor.spread)
        inner = {name.partition(".")[2]: None for name in sorted(used - top)}
        is_object = f"starts_with({own}, '{{') and json_valid({own})"
        spread = f"json_merge_patch(cast({own} as json), {_json_literal(inner)})"
        parts.append(f"case when {is_object} then {spread} else json_object({literal(vendor.spread)}, {own}) end")
    if vendor.properties:
        pairs = ", ".join(f"{literal(name)}, {filled(sql)}" for name, sql in vendor.properties.items())
        parts.append(f"json_object({pairs})")
    # a merge patch onto nothing leaves out what is null
    return f"nullif(cast(json_merge_patch('{{}}', {', '.join(parts)}) as varchar), '{{}}')"


def _text(raw: RawEvents, name: str) -> str:
    return f"cast({raw.raw_row} as varchar)" if name == "*" else raw.text(name)


def _filled(value: str) -> str:
    return f"nullif(trim(cast({value} as varchar)), '')"


def _json_text(document: str, name: str) -> str:
    return f"json_extract_string({document}, {literal(_path(name))})"


def _path(name: str) -> str:
    """JSON path of `a.b`; every part is quoted, as `$url` must be."""
    return "$" + "".join("." + json.dumps(part, ensure_ascii=False) for part in name.split("."))


def _without_nested(without: set[str], documents: dict[str, str]) -> list[str]:
    """Merge patches that take keys `root.key` out of documents by their root; what is no object stays as it is."""
    patches = []
    for root, document in documents.items():
        inner = {name.partition(".")[2]: None for name in sorted(without) if name.startswith(f"{root}.")}
        if inner:
            patches.append(
                f"case when json_type({document}) = 'OBJECT' then {_json_literal({root: inner})} else '{{}}' end"
            )
    return patches


def _json_literal(document: dict[str, Any]) -> str:
    return literal(json.dumps(document, ensure_ascii=False))


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
