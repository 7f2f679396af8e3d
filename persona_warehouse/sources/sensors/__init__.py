"""Sensors Analytics (神策): JSON lines as its log agents write them, or as its SDKs send them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.reading import FileOptions, Place
from persona_warehouse.sources.reading.jsonl import IS_OBJECT, keys_of
from persona_warehouse.sources.reading.text import HAS_TEXT, first_line, lines_of, plain_utf8
from persona_warehouse.sources.sensors.transport import decoded, is_transport
from persona_warehouse.sources.web_events import (
    RawEvents,
    Vendor,
    extract_files,
    json_events,
    open_json_lines,
    roots_of,
)

BATCH_LINES = 20_000
LINES = pa.schema([("source_row", pa.int64()), ("line", pa.string()), ("undecoded", pa.string())])

USER = (
    "coalesce({login_id}, {identities.$identity_login_id},"
    " case when {properties.$is_login_id} = 'true' or {type} = 'track_signup' then {distinct_id} end)"
)
VENDOR = Vendor(
    columns={
        # there is no id, and the stamps of sending change when an event is sent again
        "event_id": "'row:' || sha256(concat_ws(' ', {distinct_id}, {time}, {type}, {event}, {_track_id},"
        " {original_id}, {properties}))",
        "anonymous_id": "coalesce({anonymous_id}, {identities.$identity_anonymous_id},"
        " {identities.$identity_cookie_id}, {original_id},"
        f" case when {USER} is null then {{distinct_id}} end, 'user:' || {USER})",
        "user_id": USER,
        "session_id": "coalesce({properties.$session_id}, {properties.$event_session_id})",
        "occurred_at": "{time}",
        "sent_at": "{_flush_time}",
        "received_at": "{recv_time}",
        # what is no track tells of a profile or of a sign-up: it is called by its type
        "event_name": "case when {type} <> 'track' then {type} when {event} = '$pageview' then 'page_view'"
        " else {event} end",
        "page_url": "{properties.$url}",
        "page_title": "{properties.$title}",
        "referrer_url": "{properties.$referrer}",
        "utm_source": "{properties.$utm_source}",
        "utm_medium": "{properties.$utm_medium}",
        "utm_campaign": "{properties.$utm_campaign}",
        "utm_term": "{properties.$utm_term}",
        "utm_content": "{properties.$utm_content}",
        "user_agent": "{properties.$user_agent}",
        "ip_address": "{properties.$ip}",
        "email": "coalesce({identities.$identity_email}, {properties.email})",
        "phone": "coalesce({identities.$identity_mobile}, {properties.phone}, {properties.mobile})",
    },
    formats={"occurred_at": "unix_ms", "sent_at": "unix_ms", "received_at": "unix_ms"},
    spread="properties",
)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file that `path` matches.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    yield from extract_files(config, stream, settings, window, VENDOR, example="sensors/*.log", open_file=open_events)


def open_events(
    connection: duckdb.DuckDBPyConnection, place: Place, options: FileOptions, folder: Path, wanted: list[str]
) -> RawEvents:
    """Opens lines of JSON, of form data (`data=`, `data_list=`), or of both.

    Raises:
        SourceFault: the first lines hold neither.
    """
    plain = plain_utf8(place, options, folder, header_lines=0)
    first = first_line(plain)
    place.refuse_markup(first)
    connection.register("records", lines_of(plain).reader())
    # JSON, nearly always: then no line has to be looked at one by one
    other = f"select 1 from records where {HAS_TEXT} and not {IS_OBJECT} limit 1"
    if connection.execute(other).fetchone() is None:
        return open_json_lines(connection, plain, place, wanted)
    # what was sent is decoded once and read twice
    copy = folder / "expanded.arrow"
    with pa.ipc.new_file(copy, LINES) as writer:
        for batch in expanded(plain):
            writer.write_batch(batch)
    connection.register("records", pa.ipc.open_file(pa.memory_map(str(copy))).read_all())
    keys = keys_of(connection, "records", place, "" if is_transport(first) else first, roots_of(wanted))
    undecoded = (
        "case when undecoded is not null then json_object('field', null, 'rule', 'malformed_transport', 'expected',"
        " 'base64 of JSON, gzip or not', 'found', undecoded) end"
    )
    return json_events("records", keys, wanted, undecoded)


def expanded(plain: Path) -> Iterator[pa.RecordBatch]:
    """The lines of a plain UTF-8 file, one an event; those that a transport line holds have its number.

    Yields:
        batches in the shape of LINES; `undecoded` says why a transport line cannot be read, null for all others.
    """
    waiting: list[tuple[int, str, str | None]] = []
    with plain.open(encoding="utf-8-sig", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            if not is_transport(line):
                waiting.append((number, line.rstrip("\r\n"), None))
            else:
                try:
                    waiting += [(number, event, None) for event in decoded(line)]
                except ValueError as error:
                    waiting.append((number, line.rstrip("\r\n"), str(error)))
            if len(waiting) >= BATCH_LINES:
                yield _batch(waiting)
                waiting = []
    yield _batch(waiting)


def _batch(waiting: list[tuple[int, str, str | None]]) -> pa.RecordBatch:
    columns = zip(*waiting, strict=True) if waiting else [(), (), ()]
    return pa.record_batch([pa.array(column, kind) for column, kind in zip(columns, LINES.types, strict=True)], LINES)
