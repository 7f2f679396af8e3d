"""纷享销客: companies, contacts, leads, deals and what hangs on them, from the OpenAPI of the CRM."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import bad_option, map_of, nearest, number_of, require_known
from persona_warehouse.sources.fxiaoke import parse
from persona_warehouse.sources.fxiaoke.client import CORP, DEFAULT_BASE_URL, OAUTH, FxiaokeClient, Options, Tenant
from persona_warehouse.sources.plans import (
    OBJECT_KEYS,
    PATIENCE_KEYS,
    Plan,
    base_url_of,
    connection_of,
    patience_of,
    read_plans,
    standard_mapping,
)
from persona_warehouse.sources.progress import Progress, Span, resume
from persona_warehouse.sources.records import Row, text_of, typed

log = logging.getLogger(__name__)

CONNECTOR = "fxiaoke"
ENTRY_KEYS = {
    "connector", "connection", "base_url", "auth", "overlap_minutes", "page_size", "calls_per_window", "window_seconds",
    "invalid_records", "invalid_filter", "name_fields", "objects", *PATIENCE_KEYS,
}  # fmt: skip
# every field arrives in `properties` unasked
OWN_KEYS = {"api_name", "skip"} | OBJECT_KEYS - {"properties"}
BY_FILTER, BY_FLAG, NOT_AT_ALL = "filter", "flag", "none"
INVALID_FILTER = {"field_name": "life_status", "operator": "EQ", "field_values": [parse.INVALID]}
# without these there is no CRM: a tenant that seems not to have them does not let us see them
NEEDED = frozenset({"companies", "contacts"})


@dataclass(frozen=True)
class Target:
    """What is read for a landing object.

    Attributes:
        api_names: the CRM's objects.
        is_chosen: whether the sources file names them; then one that the tenant does not have is an error.
        is_needed: whether it is an error when the tenant has none of them.
        asked: fields that the sources file names; each must exist in one of the objects.
        mapping: formats, values, constants and currency of the landing columns.
    """

    name: str
    api_names: tuple[str, ...]
    is_chosen: bool
    is_needed: bool
    asked: frozenset[str]
    reading: parse.Reading
    mapping: Mapping


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterable[Extract]:
    """The landing objects of one tenant; nothing is fetched before their batches are taken.

    Args:
        config: an entry of the sources file (README.md of this folder).
        stream: the landing stream, `crm`.
        settings: where the cursors of former loads are.
        window: read alone when it ends before the cursor (a backfill); else all since the cursor is read.

    Raises:
        ConfigError: an option is unknown or cannot be read, or the connection is missing or incomplete.
    """
    require_known(config, ENTRY_KEYS, stream=stream)
    options, invalid = _options(config, stream), _invalid(config, stream)
    overlap = timedelta(minutes=number_of(config, options.source, "overlap_minutes", 60, 0, 100_000))
    tenant = Tenant(options)

    def of(target: Target, plan: Plan) -> Extract:
        key = f"{CONNECTOR}/{target.name}"
        asked = [target.api_names, invalid, options.includes_invalid, options.names_fields]
        what = json.dumps([plan.text, asked])
        progress, span = resume(settings, stream, key, what, window, overlap)
        former = frozenset((store.last_cursor(settings, stream, key) or {}).get("objects") or ())
        read: set[str] = set()

        def batches() -> Iterator[pa.Table]:
            with FxiaokeClient(options, target.name, tenant) as api:
                spans = partial(_span_of, span=span, former=former)
                pages = _pages(api, target, invalid, progress, read, spans)
                yield from typed(stream, target.name, target.mapping, " + ".join(target.api_names), pages)

        def cursor() -> dict[str, Any]:
            return {**progress.cursor(), "objects": sorted(read if progress.moves else former)}

        return Extract(target.name, " + ".join(target.api_names), batches, fingerprint=None, cursor=cursor)

    return [of(target, plan) for target, plan in _targets(config, stream, settings)]


def _span_of(api_name: str, span: Span, former: frozenset[str]) -> Span:
    """What is read of one of the CRM's objects: all of one that former loads did not have, except in a backfill."""
    return span if api_name in former or span.until else Span()


def _pages(
    api: FxiaokeClient,
    target: Target,
    invalid: dict[str, Any] | None,
    progress: Progress,
    read: set[str],
    spans: partial[Span],
) -> Iterator[list[Row]]:
    """The rows of a landing object; `read` takes the names of the CRM's objects that were read to their end."""
    described = {name: api.describe(name) for name in _present(api, target)}
    _check_fields(api, target, described)
    for name, description in described.items():
        conditions: list[dict[str, Any] | None] = [None]
        if invalid and target.reading.tells_deletion and description.knows(invalid["field_name"]):
            conditions.append(invalid)
        shows_invalid = False
        for condition in conditions:
            if condition and shows_invalid:
                # this tenant's queries hold them already
                break
            for records in api.records(name, description, spans(name), condition):
                progress.note(at for record in records if (at := parse.modified_at(record)))
                shows_invalid = shows_invalid or any(map(parse.is_invalid, records))
                rows = (parse.record_row(record, target.reading, description) for record in records)
                yield [row for row in rows if row is not None]
        read.add(name)
    progress.started = api.started


def _present(api: FxiaokeClient, target: Target) -> list[str]:
    """Those of the target's objects that the tenant has; the others are told of, or an error."""
    there = api.objects()
    missing = [name for name in target.api_names if name not in there]
    if (missing and target.is_chosen) or (len(missing) == len(target.api_names) and target.is_needed):
        raise ConfigError(
            "the tenant has no such object",
            source=api.source,
            object=target.name,
            field="api_name",
            expected=f"an object that the tenant has and the employee may see: {', '.join(sorted(there))[:300]}",
            found=", ".join(f"{name}{nearest(name, there)}" for name in missing),
            remedy=f"correct `api_name:` of {target.name} or set `skip: true`, or have it opened for the employee",
        )
    for name in missing:
        log.info("%s: the tenant has no %s, %s go without it", api.source, name, target.name)
    return [name for name in target.api_names if name in there]


def _check_fields(api: FxiaokeClient, target: Target, described: dict[str, parse.Description]) -> None:
    """Fields that the sources file names must exist; a standard one that does not leaves its column empty."""
    if not described:
        return
    known = {field for description in described.values() for field in description.types}
    for field in sorted(target.asked):
        if not any(description.knows(field) for description in described.values()):
            raise ConfigError(
                "a column of the sources file names a field that does not exist",
                source=api.source,
                object=target.name,
                field=field,
                expected=f"a field of {' or '.join(described)}",
                found=f"{field}{nearest(field, known)}",
                remedy=f"correct `columns:` of {target.name} in the sources file",
            )
    for column, recipe in target.reading.recipes.items():
        if not any(description.knows(field) for field in recipe.fields for description in described.values()):
            named = ", ".join(recipe.fields)
            log.info("%s: %s has no %s, %s stays empty", api.source, " + ".join(described), named, column)


def _targets(config: dict[str, Any], stream: str, settings: Settings) -> Iterator[tuple[Target, Plan]]:
    """What is read: mapping.yml, and what the sources file says besides."""
    standard = standard_mapping(CONNECTOR)
    named = map_of(config, "objects", stream=stream)
    own = {name: map_of(named, name, stream=stream) for name in named if name in standard}
    for name, spec in own.items():
        require_known(spec, OWN_KEYS, stream=stream, object=name)
    shared = {
        name: {key: value for key, value in own[name].items() if key in OBJECT_KEYS} if name in own else spec
        for name, spec in named.items()
    }
    plans = read_plans({**config, "objects": shared}, stream, CONNECTOR, settings)
    for name, plan in plans.items():
        spec = own.get(name, {})
        if _flag(spec, "skip", stream, name):
            continue
        columns = contract(stream, name).columns
        yield (
            Target(
                name=name,
                api_names=_api_names(spec, stream, name) or tuple(standard[name]["api_name"]),
                is_chosen="api_name" in spec,
                is_needed=plan.is_named or name in NEEDED,
                asked=plan.asked,
                reading=parse.Reading(
                    key=contract(stream, name).key[0],
                    recipes=plan.recipes,
                    texts=frozenset(column for column in plan.recipes if columns[column].type == "text"),
                    choices={
                        column: {str(word): text_of(meaning) for word, meaning in meanings.items()}
                        for column, meanings in _choices(plan, standard[name]).items()
                    },
                    defaults=standard[name].get("defaults", {}),
                    tells_deletion="is_deleted" in columns,
                ),
                mapping=_mapping(plan, stream),
            ),
            plan,
        )


def _choices(plan: Plan, standard: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What options mean in boolean columns: the standard words, and those of the sources file."""
    columns = contract("crm", plan.name).columns
    words = standard.get("values", {})
    return {
        column: {**words.get(column, {}), **own}
        for column, own in plan.mapping.values.items()
        if columns[column].type == "boolean"
    }


def _mapping(plan: Plan, stream: str) -> Mapping:
    """The plan's mapping for what this API writes: times in milliseconds, choices made while parsing."""
    columns = contract(stream, plan.name).columns
    times = [name for name, column in columns.items() if column.type in ("timestamp", "date")]
    return replace(
        plan.mapping,
        formats={**{name: "unix_ms" for name in times if name not in plan.mapping.constants}, **plan.mapping.formats},
        values={name: words for name, words in plan.mapping.values.items() if columns[name].type != "boolean"},
    )


def _api_names(spec: dict[str, Any], stream: str, name: str) -> tuple[str, ...]:
    given = spec.get("api_name")
    listed = given if isinstance(given, list) else [given] if given else []
    if "api_name" in spec and (not listed or not all(isinstance(one, str) and one for one in listed)):
        expected = "the name of an object, or a list of them"
        raise bad_option(f"{stream}/{CONNECTOR}", "api_name", expected, repr(given), name)
    return tuple(dict.fromkeys(listed))


def _flag(entry: dict[str, Any], key: str, stream: str, name: str | None = None) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise bad_option(f"{stream}/{CONNECTOR}", key, "true or false", repr(value), name)
    return value


def _choice(config: dict[str, Any], key: str, known: tuple[str, ...], stream: str) -> str:
    value = config.get(key, known[0])
    if value not in known:
        raise bad_option(f"{stream}/{CONNECTOR}", key, " or ".join(known), repr(value))
    return str(value)


def _invalid(config: dict[str, Any], stream: str) -> dict[str, Any] | None:
    """The filter for records that were made invalid; None when they are not asked for by one."""
    given = map_of(config, "invalid_filter", stream=stream) or INVALID_FILTER
    if set(given) != set(INVALID_FILTER) or not isinstance(given["field_values"], list):
        expected = "field_name, operator and field_values (a list)"
        raise bad_option(f"{stream}/{CONNECTOR}", "invalid_filter", expected, ", ".join(sorted(given)))
    return given if _choice(config, "invalid_records", (BY_FILTER, BY_FLAG, NOT_AT_ALL), stream) == BY_FILTER else None


def _options(config: dict[str, Any], stream: str) -> Options:
    source = f"{stream}/{CONNECTOR}"
    connection = connection_of(config, source, {"login": "the app's appId", "password": "the app's appSecret"})
    needed = {"permanent_code": "the permanent code (永久授权码)", "user_id": "an employee's id (员工ID)"}
    for key, meaning in needed.items():
        if not text_of(connection.extra.get(key)):
            raise ConfigError(
                f"the connection {config['connection']} has no {key}",
                source=source,
                field=key,
                expected=meaning,
                found="nothing",
                remedy=f"put {meaning} as `{key}` into the connection's `extra`",
            )
    return Options(
        source=source,
        base_url=base_url_of(config, source, connection, DEFAULT_BASE_URL),
        app_id=(connection.login or "").strip(),
        secret=(connection.password or "").strip(),
        permanent_code=text_of(connection.extra["permanent_code"]) or "",
        user_id=text_of(connection.extra["user_id"]) or "",
        auth=_choice(config, "auth", (OAUTH, CORP), stream),
        page_size=int(number_of(config, source, "page_size", 100, 1, 100, whole=True)),
        calls=int(number_of(config, source, "calls_per_window", 100, 1, 100_000, whole=True)),
        seconds=number_of(config, source, "window_seconds", 20, 0.01, 3600),
        names_fields=_flag(config, "name_fields", stream),
        includes_invalid=config.get("invalid_records") == BY_FLAG,
        **patience_of(config, source),
    )
