"""Access logs as JSON lines (nginx: log_format … escape=json), under keys that the sources file may name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.access_log.lines import REQUEST, TIME_FORMAT, count_repeats
from persona_warehouse.sources.config import map_of, nearest
from persona_warehouse.sources.reading import FileOptions, Place
from persona_warehouse.sources.web_events import RawEvents, Vendor, extract_files, open_json
from persona_warehouse.warehouse import literal

# the variables of nginx; the first key that is filled is taken
LOG_KEYS = {
    "ip": ("remote_addr",),
    "remote_user": ("remote_user",),
    "time": ("time_iso8601", "time_local", "msec", "time", "@timestamp"),
    "request": ("request",),
    "method": ("request_method",),
    "target": ("request_uri", "uri"),
    "scheme": ("scheme",),
    "host": ("host", "http_host"),
    "status": ("status",),
    "bytes": ("body_bytes_sent", "bytes_sent"),
    "referrer": ("http_referer", "http_referrer"),
    "user_agent": ("http_user_agent",),
}
# the usual ones first: a format that does not fit costs more than one that does
TIME_FORMATS = ["%Y-%m-%dT%H:%M:%S%z", TIME_FORMAT, "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S", "unix"]


def json_logs(config: dict[str, Any], stream: str, settings: Settings, window: Window, site: str) -> Iterator[Extract]:
    """One extract for each log that `path` matches; `keys` says where the log holds what (LOG_KEYS).

    Raises:
        ConfigError: no file matches, a setting or a name under `keys` is unknown.
    """
    named = map_of(config, "keys", stream=stream)
    for name in named:
        if name not in LOG_KEYS:
            raise ConfigError(
                "`keys:` names something that no access log holds",
                source=stream,
                field=name,
                expected=", ".join(LOG_KEYS),
                found=name + nearest(name, LOG_KEYS),
                remedy="correct the sources file",
            )
    keys = {**LOG_KEYS, **{name: (str(key),) for name, key in named.items()}}
    of = {name: _first(sources) for name, sources in keys.items()}
    target = f"coalesce({of['target']}, target_said)"
    prefix = literal(site) if site else f"coalesce({of['scheme']}, 'https') || '://' || {of['host']}"
    vendor = Vendor(
        columns={
            "event_id": "sha256({*} || '#' || nth)",
            "anonymous_id": f"'visitor:' || left(sha256({of['ip']} || ' ' || coalesce({of['user_agent']}, '-')), 32)",
            "user_id": of["remote_user"],
            "occurred_at": of["time"],
            "received_at": of["time"],
            "event_name": "'http_request'",
            "page_url": f"case when {target} like 'http%://%' then {target}"
            f" else coalesce({prefix}, '') || {target} end",
            "referrer_url": of["referrer"],
            "user_agent": of["user_agent"],
            "ip_address": of["ip"],
            "http_status": of["status"],
        },
        properties={
            "method": f"coalesce({of['method']}, method_said)",
            "bytes": f"try_cast({of['bytes']} as bigint)",
        },
        formats={"occurred_at": TIME_FORMATS, "received_at": TIME_FORMATS},
        dropped=tuple(key for name in ("request", "method", "bytes", "scheme", "host") for key in keys[name]),
        timezone=settings.timezone,
    )
    needed = [*keys["target"], *keys["request"]]

    def open_log(
        connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
    ) -> RawEvents:
        asked = list(dict.fromkeys([*wanted, *needed]))
        raw = open_json(connection, place, options, folder, asked, partial(count_repeats, connection))
        present = " or ".join(f"nullif({raw.text(key)}, '-') is not null" for key in needed)
        no_request = (
            "json_object('field', null, 'rule', 'no_request', 'expected', 'a method and a path', 'found',"
            " 'a connection without an HTTP request')"
        )
        requests = ", ".join(f"nullif({raw.text(key)}, '-')" for key in keys["request"])
        request = f"coalesce({requests}, null)"
        parts = f"regexp_extract({request}, {literal(REQUEST)}, ['method', 'target'])"
        said = ", ".join(f"nullif(said.{name}, '') as {name}_said" for name in ("method", "target"))
        relation = f"(select *, {said} from (select *, {parts} as said from {raw.relation}))"
        return replace(
            raw, relation=relation, broken=f"coalesce({raw.broken}, case when not ({present}) then {no_request} end)"
        )

    yield from extract_files(
        config,
        stream,
        settings,
        window,
        vendor,
        example="logs/access.json*",
        own_keys=frozenset({"format", "keys", "site"}),
        open_file=open_log,
    )


def _first(sources: tuple[str, ...]) -> str:
    """SQL of the first key that is filled; a dash is nothing."""
    filled = ", ".join(f"nullif({{{source}}}, '-')" for source in sources)
    return f"coalesce({filled}, null)"
