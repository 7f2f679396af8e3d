"""Segment and RudderStack: their warehouse tables (pages, tracks, identifies), exported to files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import nearest, text_of
from persona_warehouse.sources.web_events import Vendor, extract_files

# what a row of a table without an `event` column is
TABLES = {"pages": "page_view", "screens": "screen_view", "identifies": "identify", "tracks": "track"}

VENDOR = Vendor(
    columns={
        "event_id": "coalesce({id}, 'row:' || sha256({*}))",
        # a server knows no browser: its events are those of a visitor who is known by the user id alone
        "anonymous_id": "coalesce({anonymous_id}, 'user:' || {user_id})",
        "session_id": "coalesce({context_session_id}, {context_sessionId}, {context_sessionid})",
        # `timestamp` is corrected for the device's clock; where it is missing the warehouse corrects by the same rule
        "occurred_at": "coalesce({timestamp}, {original_timestamp}, {received_at})",
        "sent_at": "case when {timestamp} is null and {original_timestamp} is not null then {sent_at} end",
        "page_url": "coalesce({url}, {context_page_url})",
        "page_title": "coalesce({title}, {context_page_title})",
        "referrer_url": "coalesce({referrer}, {context_page_referrer})",
        "utm_source": "{context_campaign_source}",
        "utm_medium": "{context_campaign_medium}",
        "utm_campaign": "{context_campaign_name}",
        "utm_term": "{context_campaign_term}",
        "utm_content": "{context_campaign_content}",
        "user_agent": "coalesce({context_user_agent}, {user_agent})",
        "ip_address": "coalesce({context_ip}, {context_request_ip})",
        "email": "coalesce({email}, {context_traits_email})",
        "phone": "coalesce({phone}, {context_traits_phone})",
    },
    properties={name: f"{{{name}}}" for name in ("original_timestamp", "sent_at")},
)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file that `path` matches; `table` says what its rows are, else the file's name does.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read, a table is none of TABLES.
    """
    table = text_of(config, "table", "pages", stream=stream, default="")
    if table and table not in TABLES:
        raise ConfigError(
            "there is no such table",
            source=stream,
            object="events",
            field="table",
            expected=", ".join(TABLES),
            found=table + nearest(table, TABLES),
            remedy="correct the sources file",
        )
    yield from extract_files(
        config,
        stream,
        settings,
        window,
        VENDOR,
        example="segment/pages*.csv",
        own_keys=frozenset({"table"}),
        of_file=lambda path: replace(VENDOR, columns={**VENDOR.columns, "event_name": _event_name(path, table)}),
    )


def _event_name(path: Path, table: str) -> str:
    """SQL of the event's name: its own, else what the table holds, else whether there is a page."""
    named = table or next((name for name in TABLES if name[:-1] in path.name.lower()), "")
    if named in ("pages", "screens", "identifies"):
        # a column `event` of these is none of Segment's
        return f"'{TABLES[named]}'"
    unnamed = "'track'" if named == "tracks" else "case when {url} is not null then 'page_view' else 'identify' end"
    return f"coalesce({{event}}, {unnamed})"
