"""SQL: tables in PostgreSQL or MySQL, read by their rows' last change, with ready mappings of open-source tools."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import yaml

from persona_warehouse.connections import Connection, get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import map_of, nearest, require_known, text_of
from persona_warehouse.sources.reading.leftovers import properties_of
from persona_warehouse.sources.reading.tables import batches_of, leftovers
from persona_warehouse.sources.sql.database import Database, Snapshot, Target, rows_of
from persona_warehouse.sources.sql.statement import (
    DIALECTS,
    SQL,
    Catalogue,
    Join,
    ObjectSpec,
    Selection,
    Statements,
    catalogue_query,
    why_no_expression,
)
from persona_warehouse.sources.vanished import vanished_batches
from persona_warehouse.warehouse import identifier, literal, scratch

ENTRY_KEYS = {
    "connector", "connection", "dialect", "schema", "mapping", "table_prefix", "overlap_minutes", "deletions",
    "deletion_limit", "timezone", "objects",
}  # fmt: skip
OBJECT_KEYS = {
    "table", "columns", "updated_at", "deleted", "where", "joins", "deletions", "ignore", "values", "formats", "money",
    "constants", "currency", "timezone",
}  # fmt: skip
# keys of an object in which the sources file adds to a ready mapping instead of replacing it
MERGED = ("columns", "constants", "values", "formats", "money", "joins")
MAPPINGS = {"crm": ("espocrm", "odoo", "suitecrm"), "website": ("matomo",)}
DELETIONS = ("flag", "compare")


@dataclass(frozen=True)
class Reading:
    """One object of an entry, and what it takes to read it."""

    spec: ObjectSpec
    target: Target
    schema: str | None
    snapshot: Snapshot
    settings: Settings
    window: Window
    overlap: timedelta
    deletion_limit: float

    @property
    def origin(self) -> str:
        return f"{self.target.origin}.{self.spec.table}"

    @property
    def settings_hash(self) -> str:
        """Of all that decides what a row looks like: when it changes, everything is read again."""
        return hashlib.sha256(repr((self.target.origin, self.schema, self.spec)).encode()).hexdigest()[:16]


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each object of an entry; nothing is fetched before their batches are taken.

    Raises:
        ConfigError: a setting is unknown or cannot be read, or the connection is missing. When the batches are taken
            also: a table or column does not exist, the database refuses us.
        SourceFault: when the batches are taken: the database cannot be read.
    """
    require_known(config, ENTRY_KEYS, stream=stream)
    name = text_of(config, "connection", "crm_db", stream=stream)
    connection = get_connection(name)
    dialect = _dialect(config, connection, stream)
    target = Target(connection, dialect, f"{stream}/sql", name)
    schema = text_of(config, "schema", "public", stream=stream, default="") or None
    overlap = timedelta(minutes=_number(config, "overlap_minutes", 60, 0, 100_000, stream))
    limit = _number(config, "deletion_limit", 0.5, 0, 1, stream)
    specs = [
        _spec(each, object_name, config, dialect, stream, settings)
        for object_name, each in _objects(config, stream).items()
    ]
    snapshot = Snapshot(target, readers=len(specs))
    for spec in specs:
        reading = Reading(spec, target, schema, snapshot, settings, window, overlap, limit)
        cursor: dict[str, Any] = {}
        yield Extract(
            object=spec.contract.name,
            origin=reading.origin,
            batches=partial(read, reading, cursor),
            cursor=cursor.copy,
        )


def interval(reading: Reading, last: dict[str, Any] | None) -> tuple[datetime | None, datetime | None, bool]:
    """Which changes to read, half open and None for no bound, and whether this is a backfill.

    Args:
        last: the newest cursor of the object, if it was ever loaded.
    """
    if reading.spec.updated_at is None or not last or last.get("settings") != reading.settings_hash:
        return None, None, False
    if not last.get("updated_at"):
        return None, None, False
    newest = datetime.fromisoformat(last["updated_at"])
    if reading.window.end < newest:
        return reading.window.start, reading.window.end, True
    return newest - reading.overlap, reading.window.end, False


def read(reading: Reading, cursor: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """The rows of an object in its landing shape, then its vanished ones; `cursor` is filled at the end."""
    spec, settings = reading.spec, reading.settings
    shape = spec.contract
    last = store.last_cursor(settings, shape.stream, f"sql/{shape.name}")
    since, until, is_backfill = interval(reading, last)
    with reading.snapshot.open(shape.name) as database:
        catalogue: Catalogue = {}
        for table, column, kind in rows_of(database, catalogue_query(reading.target.dialect, reading.schema)):
            catalogue.setdefault(table, {})[column] = kind.lower()
        statements = Statements(spec, catalogue, reading.target.dialect, reading.schema)
        selection = statements.rows(since, until)
        yield from _typed(database, selection, spec, reading.origin)
        if spec.compare and not is_backfill:
            yield from vanished_batches(
                partial(database.stream, statements.keys()),
                shape,
                [reading.origin],
                settings,
                reading.deletion_limit,
                source=f"{shape.stream}/sql",
            )
        newest = None
        if spec.updated_at is not None:
            # a clock that runs ahead must not hide what changes until then
            found = rows_of(database, statements.newest(since, until or reading.window.end))[0][0]
            newest = _moment(found, spec, statements) if found is not None else None
    before = datetime.fromisoformat(last["updated_at"]) if since is not None and last else None
    furthest = max((one for one in (newest, before) if one is not None), default=None)
    cursor.update(updated_at=furthest.isoformat() if furthest else None, settings=reading.settings_hash)


def _moment(found: Any, spec: ObjectSpec, statements: Statements) -> datetime:
    when = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    if when.tzinfo is None:
        kind = statements.kind_of(spec.updated_at or "")
        when = when.replace(tzinfo=ZoneInfo("UTC" if kind == "timestamp" else spec.mapping.timezone))
    return when.astimezone(UTC)


def _typed(database: Database, selection: Selection, spec: ObjectSpec, origin: str) -> Iterator[pa.RecordBatch]:
    """The rows of a query in landing shape, as they come."""
    raw = database.stream(selection.sql)
    failures: list[Exception] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from raw
        except Exception as error:
            failures.append(error)
            raise

    types = {field.name: _duckdb_type(field.type) for field in raw.schema}
    values = {
        field.name: f"case when not isnan({field.name}) then {field.name} end"
        if pa.types.is_floating(field.type)
        else field.name
        for field in raw.schema
    }
    members = leftovers({name: (values[column], types[column]) for name, column in selection.leftovers.items()})
    everything = {
        **selection.leftovers,
        **{
            name if str(source).startswith(SQL) else source if isinstance(source, str) else "+".join(source): (
                selection.mapped[name]
            )
            for name, source in spec.columns.items()
        },
    }
    raw_row = ", ".join(f"{literal(name)}, {identifier(column)}" for name, column in everything.items())
    query = typed_query(
        spec.contract,
        "(select *, row_number() over () as source_row from source_rows)",
        {name: (values[column], types[column]) for name, column in selection.mapped.items()},
        spec.mapping,
        origin=origin,
        properties=properties_of(members),
        raw_row=f"json_object({raw_row})",
    )
    with scratch() as connection:
        connection.register("source_rows", pa.RecordBatchReader.from_batches(raw.schema, watched()))
        try:
            yield from batches_of(connection, query)
        except (duckdb.Error, pa.ArrowException, OSError):
            if failures:
                # what the driver said, not what the engine made of it
                raise failures[0] from None
            raise


def _duckdb_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_floating(kind):
        return "DOUBLE"
    return "BIGINT" if pa.types.is_signed_integer(kind) else "VARCHAR"


def _objects(config: dict[str, Any], stream: str) -> dict[str, dict[str, Any]]:
    """The objects of an entry: those of its ready mapping, with what the sources file says on top."""
    own = config.get("objects") or {}
    own = map_of({"objects": own}, "objects", stream=stream)
    ready: dict[str, dict[str, Any]] = {}
    if config.get("mapping") is not None:
        name = text_of(config, "mapping", "espocrm", stream=stream)
        known = MAPPINGS.get(stream, ())
        if name not in known:
            raise _wrong(
                "there is no such mapping", "mapping", ", ".join(known), f"{name}{nearest(name, known)}", stream
            )
        ready = ready_mapping(name, prefix=config.get("table_prefix"))
    merged = dict(ready)
    for name, said in own.items():
        if said is False:
            merged.pop(name, None)
            continue
        spec = map_of(own, name, stream=stream)
        require_known(spec, OBJECT_KEYS, stream=stream, object=name)
        base = ready.get(name, {})
        parts = {key: {**base.get(key, {}), **map_of(spec, key, stream=stream, object=name)} for key in MERGED}
        # a column that is given nothing is taken out of the mapping
        parts["columns"] = {column: source for column, source in parts["columns"].items() if source is not None}
        merged[name] = {**base, **spec, **parts}
    if not merged:
        raise _wrong(
            "the sql connector has no objects", "objects", "`mapping:`, or `objects:` with tables", "nothing", stream
        )
    return merged


def ready_mapping(name: str, prefix: str | None = None) -> dict[str, dict[str, Any]]:
    """The objects of a mapping that comes with the connector.

    Args:
        prefix: what the names of all tables begin with, in place of what the mapping says.
    """
    text = files("persona_warehouse.sources.sql").joinpath("mappings", f"{name}.yml").read_text(encoding="utf-8")
    # every scalar as the text that it is: `on` is a key of a join, no truth value
    content = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - builds texts, lists and maps only
    before = str(content.get("table_prefix", "") if prefix is None else prefix)

    def prefixed(spec: dict[str, Any]) -> dict[str, Any]:
        return {**spec, "table": before + spec["table"]}

    return {
        name: {
            "timezone": content["timezone"],
            **prefixed(spec),
            "joins": {alias: prefixed(join) for alias, join in spec.get("joins", {}).items()},
        }
        for name, spec in content["objects"].items()
    }


def _spec(
    each: dict[str, Any], name: str, config: dict[str, Any], dialect: str, stream: str, settings: Settings
) -> ObjectSpec:
    shape = contract(stream, name)

    def named(key: str) -> dict[str, Any]:
        return map_of(each, key, stream=stream, object=name)

    def text(key: str) -> str | None:
        return text_of(each, key, "modified_at", stream=stream, object=name) if each.get(key) is not None else None

    columns = {column: _source(source, dialect, stream, name) for column, source in named("columns").items()}
    updated_at = text("updated_at")
    if updated_at and "updated_at" in shape.columns:
        columns.setdefault("updated_at", updated_at)
    mapping = Mapping(
        columns={column: str(source) for column, source in columns.items()},
        formats=named("formats"),
        money=named("money"),
        values={
            column: {_text(old): None if new is None else _text(new) for old, new in words.items()}
            for column, words in named("values").items()
        },
        constants={column: _text(value) for column, value in named("constants").items() if value is not None},
        currency=text("currency"),
        timezone=text("timezone") or str(config.get("timezone") or settings.timezone),
    )
    check_mapping(shape, mapping)
    where = text("where")
    why = why_no_expression(where, dialect) if where is not None else None
    if why:
        expected = "one expression, without `;` and comments"
        raise _wrong("`where:` is no single expression", "where", expected, why, stream, name)
    deletions = str(each.get("deletions") or config.get("deletions") or "flag")
    if deletions not in DELETIONS:
        raise _wrong("`deletions:` cannot be read", "deletions", " or ".join(DELETIONS), deletions, stream, name)
    can_be_deleted = "is_deleted" in shape.columns
    if not can_be_deleted and (each.get("deletions") == "compare" or each.get("deleted")):
        raise _wrong("this object cannot be deleted", "deletions", "an object with is_deleted", name, stream, name)
    return ObjectSpec(
        contract=shape,
        table=text_of(each, "table", "account", stream=stream, object=name),
        columns=columns,
        mapping=mapping,
        updated_at=updated_at,
        deleted=_deleted(named("deleted"), stream, name),
        where=where,
        joins={alias: _join(each, alias, stream, name) for alias in named("joins")},
        compare=can_be_deleted and deletions == "compare",
        ignore=tuple(map(str, each.get("ignore") or ())),
    )


def _source(source: Any, dialect: str, stream: str, name: str) -> str | list[str]:
    """What a landing column comes from, as ObjectSpec has it."""
    if isinstance(source, list):
        return [str(one) for one in source]
    if not isinstance(source, dict):
        return str(source)
    require_known(source, {"sql"}, stream=stream, object=name)
    expression = text_of(source, "sql", "lower(t.code)", stream=stream, object=name)
    why = why_no_expression(expression, dialect)
    if why:
        raise _wrong(
            "`sql:` is no single expression", "sql", "one expression, without `;` and comments", why, stream, name
        )
    return SQL + expression


def _deleted(flag: dict[str, Any], stream: str, name: str) -> tuple[str, Any] | None:
    if not flag:
        return None
    require_known(flag, {"column", "value"}, stream=stream, object=name)
    return text_of(flag, "column", "deleted", stream=stream, object=name), flag.get("value", True)


def _join(each: dict[str, Any], alias: str, stream: str, name: str) -> Join:
    spec = map_of(map_of(each, "joins", stream=stream, object=name), alias, stream=stream, object=name)
    require_known(spec, {"table", "on", "where"}, stream=stream, object=name)
    on = map_of(spec, "on", stream=stream, object=name)
    if not on:
        raise _wrong("a join has no `on:`", f"joins.{alias}", "`on: {its column: column}`", "nothing", stream, name)
    return Join(
        table=text_of(spec, "table", "account", stream=stream, object=name),
        on={own: str(other) for own, other in on.items()},
        where=map_of(spec, "where", stream=stream, object=name),
    )


def _dialect(config: dict[str, Any], connection: Connection, stream: str) -> str:
    named = {"postgres": "postgresql"}.get(connection.conn_type or "", connection.conn_type or "")
    dialect = str(config.get("dialect") or named)
    if dialect not in DIALECTS:
        raise ConfigError(
            "it is not said which database this is",
            source=f"{stream}/sql",
            field="dialect",
            expected=" or ".join(DIALECTS),
            found=dialect or "nothing",
            remedy="set the connection's conn_type to postgres or mysql, or `dialect:` in the sources file",
        )
    return dialect


def _number(config: dict[str, Any], key: str, default: float, low: float, high: float, stream: str) -> float:
    value = config.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise _wrong(f"`{key}:` cannot be read", key, f"a number from {low:g} to {high:g}", repr(value), stream)
    return float(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrong(problem: str, field: str, expected: str, found: str, stream: str, object: str | None = None) -> ConfigError:
    return ConfigError(
        problem,
        source=f"{stream}/sql",
        object=object,
        field=field,
        expected=expected,
        found=found,
        remedy="correct the sources file",
    )
