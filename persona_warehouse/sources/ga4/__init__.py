"""Google Analytics 4: the BigQuery export (events_YYYYMMDD, events_intraday_YYYYMMDD) as JSON lines or Parquet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.typing import cleaned
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import number_of
from persona_warehouse.sources.reading import FileOptions, Place
from persona_warehouse.sources.vanished import vanished_batches
from persona_warehouse.sources.web_events import RawEvents, Vendor, extract_files, open_any
from persona_warehouse.warehouse import literal

PARAMS = "event_params"
# a day's table by the name of its file; a large one is exported in parts
DAY = re.compile(r"(?P<folder>(?:.*/)?)events_(?P<kind>intraday_)?(?P<day>[0-9]{8})(?![0-9])[^/]*")
KEY = pa.schema([("event_id", pa.string())])
SHAPE = (
    '[{"key": "VARCHAR", "value": {"string_value": "VARCHAR", "int_value": "VARCHAR", "float_value": "VARCHAR",'
    ' "double_value": "VARCHAR"}}]'
)


def _campaign(collected: str, param: str) -> str:
    """SQL of a campaign value; (direct), (none), (not set) say that there is none."""
    value = f"coalesce({{collected_traffic_source.{collected}}}, {{{PARAMS}.{param}}})"
    return f"case when not starts_with({value}, '(') then {value} end"


VENDOR = Vendor(
    columns={
        # there is no id. A day is written again for three days: its place in the batch tells an event from its like
        "event_id": "'row:' || sha256(concat_ws(' ', {user_pseudo_id}, {event_timestamp}, {event_name},"
        " {batch_page_id}, {batch_ordering_id}, {batch_event_index},"
        " case when coalesce({batch_page_id}, {batch_ordering_id}, {batch_event_index}) is null"
        " then {event_params} end))",
        "anonymous_id": "coalesce({user_pseudo_id}, 'user:' || {user_id})",
        "session_id": "{event_params.ga_session_id}",
        "occurred_at": "{event_timestamp}",
        "page_url": "{event_params.page_location}",
        "page_title": "{event_params.page_title}",
        "referrer_url": "{event_params.page_referrer}",
        "utm_source": _campaign("manual_source", "source"),
        "utm_medium": _campaign("manual_medium", "medium"),
        "utm_campaign": _campaign("manual_campaign_name", "campaign"),
        "utm_term": _campaign("manual_term", "term"),
        "utm_content": _campaign("manual_content", "content"),
    },
    formats={"occurred_at": "unix_us"},
)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file that `path` matches, and one for each day: what the day, written again, lacks now.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    limit = number_of(config, f"{stream}/ga4", "deletion_limit", 0.5, 0, 1)
    files = list(
        extract_files(
            config,
            stream,
            settings,
            window,
            VENDOR,
            example="ga4/events_*.json.gz",
            own_keys=frozenset({"deletion_limit"}),
            open_file=open_events,
        )
    )
    days: dict[str, list[Extract]] = {}
    # the whole day stands beside what was written of it while it lasted
    whole = {day_of(one.origin) for one in files if not is_intraday(one.origin)}
    for one in files:
        day = day_of(one.origin)
        if day is not None and is_intraday(one.origin) and day in whole:
            continue
        yield one
        if day is not None:
            days.setdefault(day, []).append(one)
    for day, parts in days.items():
        together = " ".join(sorted(f"{one.origin} {one.fingerprint}" for one in parts))
        yield Extract(
            object="events",
            origin=day,
            batches=partial(taken_back, day, parts, settings, limit),
            fingerprint=hashlib.sha256(together.encode()).hexdigest(),
        )


def day_of(origin: str) -> str | None:
    """The day's table that a file is of, with its folder: `ga4/events_20261120`; None when its name tells none."""
    found = DAY.fullmatch(origin)
    return f"{found['folder']}events_{found['day']}" if found else None


def is_intraday(origin: str) -> bool:
    """Whether a file holds a day as it was before its end."""
    found = DAY.fullmatch(origin)
    return found is not None and found["kind"] is not None


def taken_back(day: str, parts: Iterable[Extract], settings: Settings, limit: float) -> Iterator[pa.RecordBatch]:
    """Landing rows of the events that former files of a day held and its files of now lack.

    Raises:
        SourceFault: most of the day is gone: it was probably exported half way.
    """
    former = {
        one.origin
        for load in store.manifests(settings, "website")
        for one in load.origins
        if one.connector == "ga4" and day_of(one.origin) == day
    }

    def present() -> pa.RecordBatchReader:
        ids = (batch.select(KEY.names) for one in parts for batch in one.batches())
        batches = (each for some in ids for each in (some.to_batches() if isinstance(some, pa.Table) else [some]))
        return pa.RecordBatchReader.from_batches(KEY, batches)

    yield from vanished_batches(present, contract("website", "events"), former, settings, limit, source="website/ga4")


def open_events(
    connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
) -> RawEvents:
    """Opens an export; `event_params.x` is the value of the parameter x, whatever its type."""
    prefix = f"{PARAMS}."
    outside = [name for name in wanted if not name.startswith(prefix)]
    raw = open_any(connection, place, options, folder, list(dict.fromkeys([*outside, PARAMS])))
    # some exports to Parquet write a list as {list: [{element: ...}]}
    elements = "to_json(json_extract(document, '$.list[*].element'))"
    listed = f"case when starts_with(document, '{{') then {elements} else document end"
    value = "coalesce(e.value.string_value, e.value.int_value, e.value.double_value, e.value.float_value)"
    transformed = (
        f"list_transform(try(from_json({listed}, {literal(SHAPE)})), lambda e: {{'key': e.key, 'value': {value}}})"
    )
    layers = {
        "document": raw.text(PARAMS),
        "params": f"list_filter({transformed}, lambda e: e.key is not null and e.value is not null)",
        "param_names": "list_transform(params, lambda e: e.key)",
        # a parameter that stands twice is read by its first value
        "unique_params": "case when len(list_distinct(param_names)) = len(param_names) then params else"
        " list_filter(params, lambda e, i: list_position(param_names, e.key) = i) end",
    }
    asked = {name: f"param_{at}" for at, name in enumerate(wanted) if name.startswith(prefix)}
    relation = raw.relation
    for name, sql in layers.items():
        relation = f"(select *, {sql} as {name} from {relation})"
    for name, column in asked.items():
        key = literal(name.removeprefix(prefix))
        relation = f"(select *, params[list_position(param_names, {key})].value as {column} from {relation})"

    def text(name: str) -> str:
        return cleaned(asked[name]) if name in asked else raw.text(name)

    def properties(used: set[str], spread: str | None, added: dict[str, str]) -> str:
        taken = [literal(name.removeprefix(prefix)) for name in sorted(used) if name.startswith(prefix)]
        others = (
            f"list_filter(unique_params, lambda e: e.key not in ({', '.join(taken)}))" if taken else "unique_params"
        )
        each = f"list_transform({others}, lambda e: to_json(e.key) || ':' || to_json(e.value))"
        entries = f"'{{' || nullif(array_to_string({each}, ','), '') || '}}'"
        outside = {name for name in used if not name.startswith(prefix)} | {PARAMS}
        return raw.properties(outside, spread, {PARAMS: entries, **added})

    return replace(raw, relation=relation, text=text, properties=properties)
