"""Access logs in the combined format of nginx and Apache: every line a request, the malformed ones kept with their reason."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.typing import Mapping, typed_query
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import require_known
from persona_warehouse.sources.reading import (
    FileOptions,
    Place,
    batches_of,
    find_files,
    fingerprint,
    lines_of,
    reading_faults,
)
from persona_warehouse.warehouse import literal, scratch

KEYS = {"connector", "path", "site", "encoding"}

# remote_addr - remote_user [time_local] "request" status bytes "referer" "user agent"; \" stands inside quotes
PATTERN = (
    r'^(\S+) \S+ (.+?) \[([^\]]+)\] "([A-Z]+) ((?:[^"\\]|\\.)*?)(?: HTTP/[0-9.]+)?"'
    r' ([0-9]{3}) ([0-9]+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\s*$'
)
GROUPS = ["ip", "remote_user", "time_local", "method", "path", "status", "bytes", "referrer", "user_agent"]
TIME_FORMAT = "%d/%b/%Y:%H:%M:%S %z"


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each log file that `path` matches; `site` (https://www.example.com) goes before every path.

    Raises:
        ConfigError: no file matches, a setting is unknown.
    """
    require_known(config, KEYS, stream=stream)
    if "path" not in config:
        raise ConfigError(
            "the access_log connector has no path",
            source=stream,
            expected="`path:` such as logs/access.log*",
            remedy="correct the sources file",
        )
    site = str(config.get("site", "")).rstrip("/")
    options = FileOptions(str(config.get("encoding", "utf-8")))
    base = settings.sources_file.parent
    for path in find_files(base, str(config["path"]), source=stream, object="events"):
        yield Extract(
            object="events",
            origin=path.name,
            batches=lambda path=path: read_log(path, site, options),  # type: ignore[misc]
            fingerprint=fingerprint(path, {"site": site, "encoding": options.encoding, "pattern": PATTERN}),
        )


def read_log(path: Path, site: str, options: FileOptions) -> Iterator[pa.RecordBatch]:
    """Reads one log into the shape of `events`.

    An event's id is the sha256 of its line and of how many equal lines came before it in the file: a log that is rotated or
    delivered twice gives the same ids. A visitor is known by address and user agent only, which is a guess.
    """
    shape = contract("website", "events")
    place = Place("website", "events", path)
    with scratch() as connection, tempfile.TemporaryDirectory() as folder, reading_faults(place):
        relation = _requests(lines_of(place, options, Path(folder)), site)
        raw = {
            "event_id": "event_id", "anonymous_id": "anonymous_id", "user_id": "user_id", "occurred_at": "time_local",
            "received_at": "time_local", "event_name": "'http_request'", "page_url": "page_url", "referrer_url": "referrer",
            "user_agent": "user_agent", "ip_address": "ip", "http_status": "status",
        }  # fmt: skip
        query = typed_query(
            shape,
            relation,
            {column: (expression, "VARCHAR") for column, expression in raw.items()},
            Mapping(columns={}, formats={"occurred_at": TIME_FORMAT, "received_at": TIME_FORMAT}),
            origin=path.name,
            properties="case when parsed is not null then "
            "cast(json_object('method', method, 'bytes', try_cast(bytes as bigint)) as varchar) end",
            raw_row="cast(to_json(line) as varchar)",
            broken="case when parsed is null then json_object('field', null, 'rule', 'malformed_line', 'expected',"
            " 'the combined log format', 'found', 'another form') end",
        )
        yield from batches_of(connection, query)


def _requests(lines: str, site: str) -> str:
    names = ", ".join(literal(name) for name in GROUPS)
    dash = {name: f"nullif(parsed.{name}, '-') as {name}" for name in GROUPS}
    return f"""(
        select source_row, line, parsed, {", ".join(dash.values())},
               nullif(parsed.remote_user, '-') as user_id,
               {literal(site)} || parsed.path as page_url,
               sha256(line || '#' || row_number() over (partition by line order by source_row)) as event_id,
               'visitor:' || left(sha256(parsed.ip || ' ' || parsed.user_agent), 32) as anonymous_id
        from (
            select source_row, line,
                   case when regexp_matches(line, {literal(PATTERN)})
                        then regexp_extract(line, {literal(PATTERN)}, [{names}]) end as parsed
            from {lines} where trim(line) <> ''
        )
    )"""
