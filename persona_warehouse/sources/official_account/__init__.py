"""WeChat Official Account: followers, tags and statistics of followers, account and articles from the API."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

import pyarrow as pa

from persona_warehouse.connections import get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.answers import is_url
from persona_warehouse.sources.config import bad_option, map_of, nearest, number_of
from persona_warehouse.sources.official_account import articles, client, days, parse, quota
from persona_warehouse.sources.official_account.clock import beijing_now
from persona_warehouse.sources.official_account.values import Row
from persona_warehouse.sources.tokens import TokenStore

log = logging.getLogger(__name__)

FIRST_FOLLOWER_STATISTICS = date(2014, 12, 1)
FIRST_ARTICLE_STATISTICS = date(2025, 11, 1)
# WeChat follows an article for so many days
ARTICLE_DAYS = 30
TOKEN_ENDPOINTS = ("stable_token", "token")
KEYS = (
    "connector",
    "connection",
    "base_url",
    "objects",
    "stats_days",
    "ready_hour",
    "quotas",
    "quota_reset_hour",
    "token_endpoint",
    "timeout_seconds",
    "max_retries",
    "backoff_seconds",
    "minute_quota_seconds",
)

# rows of a span of days, and whether WeChat calls them preliminary
Answered = tuple[list[Row], date, date, bool | None]


@dataclass(frozen=True)
class Statistics:
    """One landing object of statistics.

    Attributes:
        endpoint: the first that is asked, for messages and the manifest.
        first_day: the API has nothing before it.
        span_days: the API's own limit for one call.
        again: how many days every night reads again; None: `stats_days` of the options.
        read: asks for one span.
    """

    endpoint: str
    first_day: date
    span_days: int
    again: int | None
    read: Callable[[client.WeChatClient, date, date], Iterator[Answered]]


def _follower_statistics(api: client.WeChatClient, begin: date, end: date) -> Iterator[Answered]:
    summary, cumulate = (
        chain.from_iterable(part.entries for part in api.statistics(endpoint, begin, end))
        for endpoint in (client.USER_SUMMARY, client.USER_CUMULATE)
    )
    yield parse.stats_rows(summary, cumulate), begin, end, False


def _account_statistics(api: client.WeChatClient, begin: date, end: date) -> Iterator[Answered]:
    for part in api.statistics(client.ACCOUNT_SUMMARY, begin, end):
        yield articles.account_rows(part.entries, part.is_delay), part.begin, part.end, part.is_delay


def _article_days(api: client.WeChatClient, begin: date, end: date) -> Iterator[Answered]:
    (read,) = api.statistics(client.ARTICLE_READ, begin, end)
    (shared,) = api.statistics(client.ARTICLE_SHARE, begin, end)
    # the row is final when both halves are
    is_delay = True if shared.is_delay else read.is_delay
    yield articles.daily_rows(read.entries, shared.entries, is_delay), begin, end, is_delay


def _article_totals(api: client.WeChatClient, begin: date, end: date) -> Iterator[Answered]:
    for part in api.statistics(client.ARTICLE_TOTAL, begin, end):
        yield articles.total_rows(part.entries, part.is_delay), part.begin, part.end, part.is_delay


LISTS: dict[str, tuple[str, Callable[[client.WeChatClient], Iterator[list[Row]]]]] = {
    "followers": (
        client.USER_INFO_BATCH,
        lambda api: (list(api.follower_rows(openids)) for openids in api.follower_pages()),
    ),
    "tags": (client.TAGS_GET, lambda api: iter([api.tag_rows()])),
}
STATISTICS = {
    "daily_follower_stats": Statistics(client.USER_SUMMARY, FIRST_FOLLOWER_STATISTICS, 7, None, _follower_statistics),
    "account_daily_stats": Statistics(client.ACCOUNT_SUMMARY, FIRST_ARTICLE_STATISTICS, 30, None, _account_statistics),
    "article_daily_stats": Statistics(client.ARTICLE_READ, FIRST_ARTICLE_STATISTICS, 1, None, _article_days),
    "article_stats": Statistics(client.ARTICLE_TOTAL, FIRST_ARTICLE_STATISTICS, 1, ARTICLE_DAYS, _article_totals),
}


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterable[Extract]:
    """The landing objects of one account; nothing is fetched before their batches are taken.

    Followers and tags are always those of now, so a window that lies before one that was loaded already (a backfill)
    does not list them again; of the statistics it reads its own days and no others.

    Args:
        config: an entry of the sources file (README.md of this folder).
        stream: the landing stream, `wechat`.
        settings: says where the cursors and the counts of calls are.

    Raises:
        ConfigError: an option is unknown or cannot be read, or the connection is missing or incomplete.
    """
    account = _account(config, stream, settings)
    now = beijing_now()
    ready = days.last_ready_day(now, account.ready_hour)
    found = []
    for name in account.objects:
        kept = store.last_cursor(settings, stream, f"official_account/{name}") or {}
        if name in LISTS:
            if not days.is_past(window, kept):
                through = min(days.asked_days(window)[1], now.date())
                found.append(_listing(account, stream, name, days.Progress([], through)))
            continue
        statistics = STATISTICS[name]
        again = statistics.again or account.stats_days
        progress = days.progress_of(window, kept, first_day=statistics.first_day, again=again, ready=ready)
        found.append(_statistics(account, stream, name, progress))
    if ready < now.date() - days.ONE_DAY <= days.asked_days(window)[1]:
        log.warning(
            "%s: the statistics of %s are ready at %02d:00 in Beijing; they are left for the next run",
            account.options.source,
            now.date() - days.ONE_DAY,
            account.ready_hour,
        )
    return found


@dataclass(frozen=True)
class Account:
    """One entry of the sources file, read: what is wanted, and what all its objects share."""

    options: client.Options
    objects: tuple[str, ...]
    stats_days: int
    ready_hour: int
    tokens: TokenStore
    quotas: quota.Quotas


def _listing(account: Account, stream: str, name: str, progress: days.Progress) -> Extract:
    endpoint, pages = LISTS[name]
    return _extract(account, stream, name, endpoint, pages, progress)


def _statistics(account: Account, stream: str, name: str, progress: days.Progress) -> Extract:
    statistics = STATISTICS[name]

    def pages(api: client.WeChatClient) -> Iterator[list[Row]]:
        for begin, end in parse.spans(progress.days, statistics.span_days):
            for rows, first, last, is_delay in statistics.read(api, begin, end):
                progress.note(first, last, is_delay)
                yield rows

    return _extract(account, stream, name, statistics.endpoint, pages, progress)


def _extract(
    account: Account,
    stream: str,
    name: str,
    endpoint: str,
    pages: Callable[[client.WeChatClient], Iterator[list[Row]]],
    progress: days.Progress,
) -> Extract:
    def run() -> Iterator[pa.Table]:
        schema = landing_schema(stream, name)
        rows_before = 0
        with client.WeChatClient(account.options, name, account.tokens, account.quotas) as api:
            for rows in pages(api):
                if rows:
                    yield to_table(rows, schema, endpoint, rows_before)
                    rows_before += len(rows)
        if not rows_before:
            yield schema.empty_table()

    return Extract(object=name, origin=endpoint, batches=run, cursor=progress.cursor)


def to_table(rows: list[Row], schema: pa.Schema, origin: str, rows_before: int) -> pa.Table:
    """Rows as a table in the landing schema; columns that a row lacks are null, rows are numbered on."""
    numbered = [
        {**row, "source_file": origin, "source_row": number} for number, row in enumerate(rows, start=rows_before + 1)
    ]
    return pa.Table.from_pylist(numbered, schema=schema)


def _account(config: dict[str, Any], stream: str, settings: Settings) -> Account:
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
        minute_quota_seconds=number_of(config, source, "minute_quota_seconds", 60.0, 0, 600),
    )
    reset_hour = int(number_of(config, source, "quota_reset_hour", 0, 0, 23, whole=True))
    return Account(
        options=options,
        objects=_objects(config, source),
        stats_days=int(number_of(config, source, "stats_days", 7, 1, 3660, whole=True)),
        ready_hour=int(number_of(config, source, "ready_hour", 8, 0, 23, whole=True)),
        tokens=TokenStore(),
        quotas=quota.Quotas(
            quota.quota_file(settings.home, options.appid), _limits(config, stream, source), reset_hour, beijing_now
        ),
    )


def _objects(config: Mapping[str, Any], source: str) -> tuple[str, ...]:
    known = (*LISTS, *STATISTICS)
    wanted = config.get("objects", list(known))
    if not isinstance(wanted, list) or not wanted:
        raise bad_option(source, "objects", f"a list of {', '.join(known)}", _kind(wanted))
    for name in wanted:
        if name not in known:
            raise bad_option(source, "objects", f"a list of {', '.join(known)}", f"{name}{nearest(str(name), known)}")
    return tuple(name for name in known if name in wanted)


def _limits(config: dict[str, Any], stream: str, source: str) -> dict[str, int]:
    given = map_of(config, "quotas", stream=stream)
    for name in given:
        if name not in quota.DEFAULTS:
            expected = f"endpoints: {', '.join(quota.DEFAULTS)}"
            raise bad_option(source, "quotas", expected, f"{name}{nearest(name, quota.DEFAULTS)}")
    return {
        name: int(number_of(given, source, name, calls, 0, 10**9, whole=True)) for name, calls in quota.DEFAULTS.items()
    }


def _kind(value: object) -> str:
    return "nothing" if value in (None, "") else f"a {type(value).__name__} that is none"
