"""Matomo: the actions of its visits, from the reporting API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa

from persona_warehouse.connections import get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract, landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.answers import Seen, is_url
from persona_warehouse.sources.config import bad_option, map_of, number_of, require_known
from persona_warehouse.sources.matomo import parse
from persona_warehouse.sources.matomo.client import METHOD, MatomoClient, Options
from persona_warehouse.sources.web_events import Vendor, columns_of, events_query, json_events, wanted_of
from persona_warehouse.warehouse import scratch

ENTRY_KEYS = {
    "connector", "connection", "base_url", "sites", "history_days", "overlap_minutes", "page_size", "timeout_seconds",
    "max_retries", "backoff_seconds", "columns", "formats",
}  # fmt: skip
# events that are typed at once: the engine needs some milliseconds for its plan, whatever their number
TYPED_EVENTS = 5_000
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


@dataclass
class Progress:
    """How far the sites were read.

    Attributes:
        former: site -> where the load before came to.
        newest: site -> the last action met.
        started: the server's time when reading began.
    """

    former: dict[str, datetime]
    settings: str
    newest: dict[str, datetime] = field(default_factory=dict)
    started: datetime | None = None

    def cursor(self) -> dict[str, Any]:
        """What the next load goes on from; a backfill, which reads what lies before it, leaves it where it was."""
        reached = dict(self.former)
        for site, newest in self.newest.items():
            # a visit may have gone on behind our back between the start and the newest action met
            bounded = min(newest, self.started) if self.started else newest
            reached[site] = max(bounded, self.former.get(site, bounded))
        return {"sites": {site: at.isoformat() for site, at in reached.items()}, "settings": self.settings}


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
    digest = hashlib.sha256(json.dumps([options.base_url, asdict(mapping)]).encode()).hexdigest()[:16]
    kept = store.last_cursor(settings, stream, "matomo/events") or {}
    former = {site: datetime.fromisoformat(at) for site, at in (kept.get("sites") or {}).items() if site in sites}
    # events that were landed under other settings lack what is asked for now
    known = former if kept.get("settings") == digest else {}
    spans = {site: _span(known.get(site), window, overlap, history) for site in sites}
    progress = Progress(former, digest)
    yield Extract(
        object="events",
        origin=METHOD,
        batches=partial(read, options, mapping, spans, progress),
        cursor=progress.cursor,
    )


def read(
    options: Options, mapping: Mapping, spans: dict[str, tuple[datetime, datetime]], progress: Progress
) -> Iterator[pa.Table]:
    """The events of all sites in landing shape, each once."""
    columns = columns_of(VENDOR, mapping)
    raw = json_events("page", [], wanted_of(columns, VENDOR))
    query = events_query(raw, columns, VENDOR, mapping, METHOD)
    schema = landing_schema("website", "events")
    taken = 0
    with MatomoClient(options, "events") as api, scratch() as connection:
        for lines in _chunks(_lines(api, spans, progress), TYPED_EVENTS):
            numbers = range(taken + 1, taken + len(lines) + 1)
            connection.register("page", pa.table([pa.array(numbers, pa.int64()), pa.array(lines)], schema=LINES))
            yield connection.execute(query).to_arrow_table().cast(schema)
            taken += len(lines)
    if not taken:
        yield schema.empty_table()


def _lines(api: MatomoClient, spans: dict[str, tuple[datetime, datetime]], progress: Progress) -> Iterator[list[str]]:
    """The events as JSON, some for each page of visits; a visit that is met again brings what it had not."""
    for site, (since, until) in spans.items():
        seen = Seen()
        for visits in api.visits(site, since, until):
            events = {one["event_id"]: one for visit in visits for one in parse.events_of(visit, site)}
            yield [json.dumps(events[one], ensure_ascii=False) for one in seen.fresh(events)]
            progress.newest[site] = datetime.fromtimestamp(max(map(parse.last_action, visits)), since.tzinfo)
    progress.started = api.started


def _chunks(pages: Iterable[list[str]], size: int) -> Iterator[list[str]]:
    kept: list[str] = []
    for lines in pages:
        kept += lines
        if len(kept) >= size:
            yield kept
            kept = []
    if kept:
        yield kept


def _span(former: datetime | None, window: Window, overlap: timedelta, history: timedelta) -> tuple[datetime, datetime]:
    """Which visits of a site are read, by their last action."""
    if former is None:
        return window.end - history, window.end
    if window.end < former:
        return window.start, window.end
    return former - overlap, window.end


def _sites(config: dict[str, Any], source: str) -> list[str]:
    sites = config.get("sites")
    found = sites if isinstance(sites, list) else [sites]
    if not found or not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in found):
        raise bad_option(source, "sites", "the ids of websites, such as [1, 2]", repr(sites))
    return list(dict.fromkeys(map(str, found)))


def _options(config: dict[str, Any], source: str) -> Options:
    name = config.get("connection")
    if not isinstance(name, str) or not name:
        # what stands there instead of a name may well be a secret: it is not told
        raise bad_option(source, "connection", "the name of a connection, such as matomo_main", "none")
    connection = get_connection(name)
    if not connection.password:
        raise ConfigError(
            f"the connection {name} has no password",
            source=source,
            field="password",
            expected="a token_auth of Matomo with view access",
            found="nothing",
            remedy="put the token into the connection's password",
        )
    base_url = config.get("base_url") or (connection.url("") if connection.host else None)
    if not is_url(base_url):
        raise bad_option(source, "base_url", "an address such as https://matomo.example.com, without a query", "none")
    return Options(
        source=source,
        base_url=str(base_url).removesuffix("index.php").rstrip("/"),
        token=connection.password.strip(),
        page_size=int(number_of(config, source, "page_size", 100, 1, 10_000, whole=True)),
        timeout_seconds=number_of(config, source, "timeout_seconds", 60, 0.1, 600),
        max_retries=int(number_of(config, source, "max_retries", 5, 0, 20, whole=True)),
        backoff_seconds=number_of(config, source, "backoff_seconds", 1, 0, 60),
    )
