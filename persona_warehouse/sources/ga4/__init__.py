"""Google Analytics 4: the BigQuery export (events_YYYYMMDD, events_intraday_YYYYMMDD) as JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.reading import FileOptions, Place
from persona_warehouse.sources.web_events import RawEvents, Vendor, extract_files, open_any
from persona_warehouse.warehouse import literal

PARAMS = "event_params"
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
    """One extract for each file that `path` matches.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    yield from extract_files(
        config, stream, settings, window, VENDOR, example="ga4/events_*.json.gz", open_file=open_events
    )


def open_events(
    connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
) -> RawEvents:
    """Opens an export; `event_params.x` is the value of the parameter x, whatever its type."""
    prefix = f"{PARAMS}."
    outside = [name for name in wanted if not name.startswith(prefix)]
    raw = open_any(connection, place, options, folder, list(dict.fromkeys([*outside, PARAMS])))
    # some exports to Parquet write a list as {list: [{element: ...}]}
    document = raw.text(PARAMS)
    plain = (
        f"case when starts_with({document}, '{{') and json_valid({document})"
        f" then cast(to_json(json_extract({document}, '$.list[*].element')) as varchar)"
        f" when json_valid({document}) then {document} end"
    )
    value = "coalesce(e.value.string_value, e.value.int_value, e.value.double_value, e.value.float_value)"
    listed = f"list_transform(from_json({plain}, {literal(SHAPE)}), e -> {{'key': e.key, 'value': {value}}})"
    filled = f"list_filter({listed}, e -> e.key is not null and e.value is not null)"

    def text(name: str) -> str:
        if not name.startswith(prefix):
            return raw.text(name)
        key = literal(name.removeprefix(prefix))
        return f"nullif(trim(list_filter(params, e -> e.key = {key})[1].value), '')"

    def rest(without: set[str]) -> str:
        used = [literal(name.removeprefix(prefix)) for name in sorted(without) if name.startswith(prefix)]
        others = f"list_filter(params, e -> e.key not in ({', '.join(used)}))" if used else "params"
        # a parameter that stands twice is read by its first value
        unique = f"list_filter({others}, (e, i) -> list_position(list_transform({others}, o -> o.key), e.key) = i)"
        entries = f"case when len({others}) > 0 then to_json(map_from_entries({unique})) end"
        outside = {name for name in without if not name.startswith(prefix)} | {PARAMS}
        return f"{raw.document(outside)}, json_object({literal(PARAMS)}, {entries})"

    return replace(raw, relation=f"(select *, {filled} as params from {raw.relation})", text=text, document=rest)
