"""Matomo: the actions of its visits, from the reporting API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa

from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.answers import Seen
from persona_warehouse.sources.config import bad_option, map_of, number_of, require_known
from persona_warehouse.sources.matomo import parse
from persona_warehouse.sources.matomo.client import METHOD, MatomoClient, Options
from persona_warehouse.sources.plans import PATIENCE_KEYS, base_url_of, connection_of, patience_of
from persona_warehouse.sources.progress import Progress, go_on
from persona_warehouse.sources.reading.jsonl import UNKNOWN_KEYS
from persona_warehouse.sources.records import TYPED_ROWS, chunks
from persona_warehouse.sources.web_events import Vendor, columns_of, events_query, json_events, wanted_of
from persona_warehouse.warehouse import scratch

ENTRY_KEYS = {
    "connector", "connection", "base_url", "sites", "history_days", "overlap_minutes", "page_size", "columns",
    "formats", *PATIENCE_KEYS,
}  # fmt: skip
# site -> from when to when its visits are read, by their last action
Spans = dict[str, tuple[datetime, datetime]]
LINES = pa.schema([("source_row", pa.int64()), ("line", pa.string())])

VENDOR = Vendor(
    columns={
        # who may not be told apart is somebody else at every visit
        "anonymous_id": "coalesce({visitorId}, 'user:' || {userId}, 'visit:' || {idSite} || '-' || {idVisit})",
        "user_id": "{userId}",
        "session_id": "{idVisit}",
        # the server's clock
        "occurred_at": "{timestamp}",
        "received_at": "{timestamp}",
        "event_name": "case {type} when 'action' then 'page_view' when 'event' then coalesce({eventAction}, 'event')"
        " when 'search' then 'site_search' else {type} end",
        "page_url": "{url}",
        "page_title": "{pageTitle}",
        "referrer_url": "{referrerUrl}",
        "utm_source": "{campaignSource}",
        "utm_medium": "{campaignMedium}",
        "utm_campaign": "{campaignName}",
        "utm_term": "{campaignKeyword}",
        "utm_content": "{campaignContent}",
        "ip_address": "{visitIp}",
    },
    properties={"idSite": "{idSite}", "type": "{type}"},
    formats={"occurred_at": "unix", "received_at": "unix"},
)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """The actions of all sites of an entry; nothing is fetched before their batches are taken.

    Args:
        config: an entry of the sources file (README.md of this folder).
        stream: the landing stream, `website`.
        settings: where the cursors of former loads are.
        window: read alone when it ends before a site's cursor (a backfill); else all since the cursor, up to its end.

    Raises:
        ConfigError: an option is unknown or cannot be read, or the connection is missing or incomplete.
    """
    require_known(config, ENTRY_KEYS, stream=stream)
    source = f"{stream}/matomo"
    sites = _sites(config, source)
    overlap = timedelta(minutes=number_of(config, source, "overlap_minutes", 120, 0, 100_000))
    history = timedelta(days=number_of(config, source, "history_days", 365, 1, 10_000))
    options = _options(config, source)
    mapping = Mapping(
        columns={name: str(key) for name, key in map_of(config, "columns", stream=stream).items()},
        formats={**VENDOR.formats, **map_of(config, "formats", stream=stream)},
        timezone="UTC",
    )
    check_mapping(contract(stream, "events"), mapping)
    what = json.dumps([options.base_url, asdict(mapping)])
    kept = (store.last_cursor(settings, stream, "matomo/events") or {}).get("sites", {})
    # each site goes on from where it was: one that is added is read from its beginning
    plans = {site: go_on(kept.get(site, {}), what, window, overlap) for site in sites}
    spans = {site: (span.since or window.end - history, span.until or window.end) for site, (_, span) in plans.items()}
    progress = {site: one for site, (one, _) in plans.items()}
    yield Extract(
        object="events",
        origin=METHOD,
        batches=partial(read, options, mapping, spans, progress),
        cursor=lambda: {"sites": {**kept, **{site: one.cursor() for site, one in progress.items()}}},
    )


def read(options: Options, mapping: Mapping, spans: Spans, progress: dict[str, Progress]) -> Iterator[pa.Table]:
    """The events of all sites in landing shape, each once."""
    columns = columns_of(VENDOR, mapping)
    raw = json_events("page", UNKNOWN_KEYS, wanted_of(columns, VENDOR))
    query = events_query(raw, columns, VENDOR, mapping, METHOD)
    schema = landing_schema("website", "events")
    taken = 0
    with MatomoClient(options, "events") as api, scratch() as connection:
        for lines in chunks(_lines(api, spans, progress), TYPED_ROWS):
            numbers = range(taken + 1, taken + len(lines) + 1)
            connection.register("page", pa.table([pa.array(numbers, pa.int64()), pa.array(lines)], schema=LINES))
            yield connection.execute(query).to_arrow_table().cast(schema)
            taken += len(lines)
    if not taken:
        yield schema.empty_table()


def _lines(api: MatomoClient, spans: Spans, progress: dict[str, Progress]) -> Iterator[list[str]]:
    """The events as JSON, some for each page of visits; a visit that is met again brings what it had not."""
    for site, (since, until) in spans.items():
        seen = Seen()
        for visits in api.visits(site, since, until):
            events = {one["event_id"]: one for visit in visits for one in parse.events_of(visit, site)}
            yield [json.dumps(events[one], ensure_ascii=False) for one in seen.fresh(events)]
            progress[site].note(datetime.fromtimestamp(parse.last_action(visit), UTC) for visit in visits)
        progress[site].started = api.started


def _sites(config: dict[str, Any], source: str) -> list[str]:
    sites = config.get("sites")
    found = sites if isinstance(sites, list) else [sites]
    if not found or not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in found):
        raise bad_option(source, "sites", "the ids of websites, such as [1, 2]", repr(sites))
    return list(dict.fromkeys(map(str, found)))


def _options(config: dict[str, Any], source: str) -> Options:
    needed = {"password": "a token_auth of Matomo with view access"}
    if not config.get("base_url"):
        needed["host"] = "the address of Matomo"
    connection = connection_of(config, source, needed)
    return Options(
        source=source,
        base_url=base_url_of(config, source, connection, "https://matomo.example.com").removesuffix("/index.php"),
        token=str(connection.password).strip(),
        page_size=int(number_of(config, source, "page_size", 100, 1, 10_000, whole=True)),
        **patience_of(config, source),
    )
