"""Access logs of nginx and Apache, combined or JSON: every line a request, the others kept with their reason."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.settings import Settings
from persona_warehouse.sources.access_log.json_lines import json_logs
from persona_warehouse.sources.access_log.lines import REQUEST, TIME_FORMAT, count_repeats
from persona_warehouse.sources.config import nearest, require_known, text_of
from persona_warehouse.sources.files import origin_of
from persona_warehouse.sources.reading import FileOptions, Place, find_files, fingerprint, reading_faults
from persona_warehouse.sources.reading.tables import batches_of
from persona_warehouse.sources.reading.text import HAS_TEXT, first_line, lines_of, plain_utf8
from persona_warehouse.warehouse import literal, scratch

KEYS = {"connector", "path", "format", "site", "encoding"}
FORMATS = ("combined", "json")

# remote_addr - remote_user [time_local] "request" status bytes "referer" "user agent"; \" stands inside quotes;
# what a format of one's own adds after that is passed over
QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = rf"^(\S+) \S+ (.+?) \[([^\]]+)\] {QUOTED} ([0-9]{{3}}) ([0-9]+|-) {QUOTED} {QUOTED}(?: .*)?\s*$"
FIELDS = ["ip", "remote_user", "time_local", "request", "status", "bytes", "referrer", "user_agent"]
TARGET = ["method", "target"]


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each log file that `path` matches; `site` (https://www.example.com) goes before every path.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    form = text_of(config, "format", "json", stream=stream, default="combined")
    if form not in FORMATS:
        raise ConfigError(
            "there is no such format of access logs",
            source=stream,
            field="format",
            expected=", ".join(FORMATS),
            found=form + nearest(form, FORMATS),
            remedy="correct the sources file",
        )
    if form == "combined":
        require_known(config, KEYS, stream=stream)
    pattern = text_of(config, "path", "logs/access.log*", stream=stream)
    site = text_of(config, "site", "https://www.example.com", stream=stream, default="").rstrip("/")
    if site and not site.startswith(("http://", "https://")):
        raise ConfigError(
            "the site is no address",
            source=stream,
            field="site",
            expected="https://www.example.com, with its protocol",
            found=site,
            remedy="correct the sources file",
        )
    if form == "json":
        yield from json_logs(config, stream, settings, window, site)
        return
    options = FileOptions(text_of(config, "encoding", "utf-8", stream=stream, default="utf-8"))
    for path in find_files(settings.sources_file.parent, pattern, source=stream, object="events"):
        yield Extract(
            object="events",
            origin=origin_of(path, settings),
            batches=lambda path=path: read_log(path, site, options),  # type: ignore[misc]
            fingerprint=fingerprint(path, {"site": site, "encoding": options.encoding, "pattern": LINE + REQUEST}),
        )


def read_log(path: Path, site: str, options: FileOptions) -> Iterator[pa.RecordBatch]:
    """Reads one log into the shape of `events`.

    An event's id is the sha256 of its line and of how many equal lines came before it in the file: a log that is
    rotated or delivered twice gives the same ids. A visitor is known by address and user agent only, which is a guess.

    Raises:
        ConfigError: the file is in another encoding.
        SourceFault: the file is empty, cut, or no access log.
    """
    shape = contract("website", "events")
    place = Place("website", "events", path)
    with reading_faults(place, "log"), scratch() as connection, tempfile.TemporaryDirectory() as folder:
        plain = plain_utf8(place, options, Path(folder), header_lines=0)
        place.refuse_markup(first_line(plain))
        lines = count_repeats(connection, lines_of(plain).reader)
        raw = {
            "event_id": "event_id", "anonymous_id": "anonymous_id", "user_id": "user_id", "occurred_at": "time_local",
            "received_at": "time_local", "event_name": "'http_request'", "page_url": "page_url",
            "referrer_url": "referrer", "user_agent": "user_agent", "ip_address": "ip", "http_status": "status",
        }  # fmt: skip
        query = typed_query(
            shape,
            _requests(lines, site),
            {column: (expression, "VARCHAR") for column, expression in raw.items()},
            Mapping(columns={}, formats={"occurred_at": TIME_FORMAT, "received_at": TIME_FORMAT}),
            origin=path.name,
            properties="case when request is not null then"
            " json_object('method', request.method, 'bytes', try_cast(bytes as bigint)) end",
            raw_row="to_json(line)",
            broken="case when parsed is null then json_object('field', null, 'rule', 'malformed_line', 'expected',"
            " 'the combined log format', 'found', 'another form')"
            " when request is null then json_object('field', null, 'rule', 'no_request', 'expected',"
            " 'a method and a path', 'found', 'a connection without an HTTP request') end",
        )
        yield from batches_of(connection, query)


def _requests(lines: str, site: str) -> str:
    """FROM item: the lines with their fields; `parsed` and `request` are null where a line does not match."""
    bare = {name: f"nullif(parsed.{name}, '-')" for name in ("ip", "remote_user", "time_local", "status", "bytes")}
    # Apache writes a quote inside a quoted field as \"
    quoted = {name: f"nullif(replace(parsed.{name}, '\\\"', '\"'), '-')" for name in ("referrer", "user_agent")}
    columns = ", ".join(f"{sql} as {name}" for name, sql in {**bare, **quoted}.items())
    lines = f"(select * from {lines} where {HAS_TEXT})"
    requests = _matched(_matched(lines, "parsed", "line", LINE, FIELDS), "request", "parsed.request", REQUEST, TARGET)
    return f"""(
        select source_row, line, parsed, request, {columns},
               nullif(parsed.remote_user, '-') as user_id,
               case when request.target like 'http%://%' then request.target
                    else {literal(site)} || request.target end as page_url,
               sha256(line || '#' || nth) as event_id,
               'visitor:' || left(sha256(parsed.ip || ' ' || parsed.user_agent), 32) as anonymous_id
        from {requests}
    )"""


def _matched(relation: str, name: str, text: str, pattern: str, groups: list[str]) -> str:
    """FROM item: the relation with the groups of a pattern as a struct; null where the text does not match."""
    found = f"regexp_extract({text}, {literal(pattern)}, [{', '.join(map(literal, groups))}])"
    matched = f"(select *, {found} as found from {relation})"
    return f"(select * exclude (found), case when found.{groups[0]} <> '' then found end as {name} from {matched})"
