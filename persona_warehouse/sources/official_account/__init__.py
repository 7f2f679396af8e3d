"""WeChat Official Account: followers, tags and daily follower statistics from the API."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from persona_warehouse.connections import get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.answers import is_url
from persona_warehouse.sources.config import bad_option, number_of
from persona_warehouse.sources.official_account import client, parse
from persona_warehouse.sources.tokens import TokenStore

# the API's days are Beijing days, whatever the business time zone is
BEIJING = ZoneInfo("Asia/Shanghai")
FIRST_STATISTICS = date(2014, 12, 1)
# the API's own limit for both statistics
SPAN_DAYS = 7
TOKEN_ENDPOINTS = ("stable_token", "token")
KEYS = (
    "connector",
    "connection",
    "base_url",
    "stats_days",
    "token_endpoint",
    "timeout_seconds",
    "max_retries",
    "backoff_seconds",
)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterable[Extract]:
    """The landing objects of one account; nothing is fetched before their batches are taken.

    Args:
        config: an entry of the sources file (README.md of this folder).
        stream: the landing stream, `wechat`.
        settings: unused, every connector gets them.
        window: statistics are read up to its end; followers and tags are always those of now.

    Raises:
        ConfigError: an option is unknown or cannot be read, or the connection is missing or incomplete.
    """
    options, stats_days = _options(config, stream)
    tokens = TokenStore()

    def batches(name: str, origin: str, pages: Callable[[client.WeChatClient], Iterator[list[parse.Row]]]) -> Extract:
        def run() -> Iterator[pa.Table]:
            schema = landing_schema(stream, name)
            rows_before = 0
            with client.WeChatClient(options, name, tokens) as api:
                for rows in pages(api):
                    yield to_table(rows, schema, origin, rows_before)
                    rows_before += len(rows)
            if not rows_before:
                yield schema.empty_table()

        return Extract(object=name, origin=origin, batches=run, fingerprint=None)

    days = statistics_days(window.end, stats_days, beijing_today())
    return [
        batches("followers", client.USER_INFO_BATCH, _followers),
        batches("tags", client.TAGS_GET, lambda api: iter([api.tag_rows()])),
        batches("daily_follower_stats", client.USER_SUMMARY, lambda api: _statistics(api, days)),
    ]


def statistics_days(end: datetime, stats_days: int, today: date) -> tuple[date, date]:
    """First and last day of the statistics to read, both included; the last is before the first when there is none.

    Args:
        end: the window's end; only days that are over in Beijing by then count.
        stats_days: how many days up to it.
        today: in Beijing; its own numbers do not exist yet.
    """
    last = min(end.astimezone(BEIJING).date(), today) - timedelta(days=1)
    return max(last - timedelta(days=stats_days - 1), FIRST_STATISTICS), last


def beijing_today() -> date:
    """The date in Beijing."""
    return datetime.now(BEIJING).date()


def to_table(rows: list[parse.Row], schema: pa.Schema, origin: str, rows_before: int) -> pa.Table:
    """Rows as a table in the landing schema; columns that a row lacks are null, rows are numbered on."""
    numbered = [
        {**row, "source_file": origin, "source_row": number} for number, row in enumerate(rows, start=rows_before + 1)
    ]
    return pa.Table.from_pylist(numbered, schema=schema)


def _followers(api: client.WeChatClient) -> Iterator[list[parse.Row]]:
    for openids in api.follower_pages():
        yield list(api.follower_rows(openids))


def _statistics(api: client.WeChatClient, days: tuple[date, date]) -> Iterator[list[parse.Row]]:
    for begin, end in parse.spans(*days, SPAN_DAYS):
        yield parse.stats_rows(
            api.statistics(client.USER_SUMMARY, begin, end), api.statistics(client.USER_CUMULATE, begin, end)
        )


def _options(config: Mapping[str, Any], stream: str) -> tuple[client.Options, int]:
    """The client's options and `stats_days`."""
    source = f"{stream}/official_account"
    for key in config:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            raise ConfigError(
                "an option of the sources file is unknown",
                source=source,
                field=key,
                expected=f"one of {', '.join(KEYS)}",
                found=key,
                remedy=f"write `{near[0]}`" if near else "take it out",
            )
    name = config.get("connection")
    if not isinstance(name, str) or not name:
        # what stands there instead of a name may well be a secret: only its kind is told
        raise bad_option(source, "connection", "the name of a connection, such as wechat_main", _kind(name))
    connection = get_connection(name)
    for part, value, meaning in (
        ("login", connection.login, "appid"),
        ("password", connection.password, "appsecret"),
    ):
        if not value:
            raise ConfigError(
                f"the connection {name} has no {part}",
                source=source,
                field=part,
                expected=f"the account's {meaning}",
                found="nothing",
                remedy=f"put the {meaning} into the connection's {part}",
            )
    base_url = config.get("base_url") or connection.url(client.DEFAULT_BASE_URL)
    if not is_url(base_url):
        expected = f"an address such as {client.DEFAULT_BASE_URL}, without user, password or query"
        raise bad_option(source, "base_url", expected, _kind(base_url))
    endpoint = config.get("token_endpoint", "stable_token")
    if endpoint not in TOKEN_ENDPOINTS:
        raise bad_option(source, "token_endpoint", " or ".join(TOKEN_ENDPOINTS), repr(endpoint))
    options = client.Options(
        source=source,
        base_url=str(base_url).rstrip("/"),
        appid=connection.login or "",
        secret=connection.password or "",
        token_endpoint=endpoint,
        timeout_seconds=number_of(config, source, "timeout_seconds", 30.0, 0.1, 600),
        max_retries=int(number_of(config, source, "max_retries", 5, 0, 20, whole=True)),
        backoff_seconds=number_of(config, source, "backoff_seconds", 1.0, 0, 60),
    )
    return options, int(number_of(config, source, "stats_days", 7, 1, 3660, whole=True))


def _kind(value: object) -> str:
    return "nothing" if value in (None, "") else f"a {type(value).__name__} that is none"
