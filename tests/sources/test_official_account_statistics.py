"""Statistics of WeChat over several nights: which days are read, when they are final, and what a backfill does."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import official_account
from persona_warehouse.sources.load import load_stream
from persona_warehouse.sources.official_account import articles, days
from tests.standins import wechat as standin
from tests.standins.wechat import WeChatStandin

BEIJING = ZoneInfo("Asia/Shanghai")
NIGHT = date(2026, 11, 20)
DAY = timedelta(days=1)
STATISTICS = ("daily_follower_stats", "account_daily_stats", "article_daily_stats", "article_stats")


class Account:
    """A home and the nights that load into it; the clock stands at 09:00 in Beijing on the day after the night."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = monkeypatch
        self.objects = list(STATISTICS)

    def night(
        self, wechat: WeChatStandin, business_date: date, now: datetime | None = None, options: str = ""
    ) -> dict[str, list[dict[str, Any]]]:
        """Loads one night: object -> its rows."""
        at = now or datetime.combine(business_date + DAY, datetime.min.time(), BEIJING) + timedelta(hours=9)
        wechat.today = at.date()
        wechat.asked.clear()
        self._patch.setattr(official_account, "beijing_now", lambda: at)
        self._patch.setenv("AIRFLOW_CONN_WECHAT_MAIN", wechat.connection_json())
        sources = self.folder / "sources.yml"
        entry = f"connector: official_account, connection: wechat_main, objects: [{', '.join(self.objects)}]{options}"
        sources.write_text(f"sources:\n  wechat:\n    - {{{entry}, backoff_seconds: 0}}\n", encoding="utf-8")
        self.settings = Settings(self.folder / "home", sources, business_date, "Asia/Shanghai", 7)
        load_stream(self.settings, "wechat")
        return self.rows(store.manifests(self.settings, "wechat")[-1])

    def rows(self, load: store.Manifest) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        root = self.settings.landing / "wechat"
        for file in load.files:
            found.setdefault(file.object, []).extend(pq.read_table(root / file.path, partitioning=None).to_pylist())
        return found

    def staged(self) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
        """What staging keeps of all loads: the latest of each key, without provenance."""
        kept: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        aside = ("source_row", "_dlt_load_id", "_dlt_id")
        for load in store.manifests(self.settings, "wechat"):
            for name, rows in self.rows(load).items():
                for row in rows:
                    key = tuple(row[column] for column in contract("wechat", name).key)
                    kept.setdefault(name, {})[key] = {k: v for k, v in row.items() if k not in aside}
        return kept

    def cursor(self, name: str) -> dict[str, Any] | None:
        return store.last_cursor(self.settings, "wechat", f"official_account/{name}")


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(tmp_path, monkeypatch)


def server(**options: Any) -> WeChatStandin:
    return WeChatStandin(**{"followers": 20, "page_size": 10, **options})


def asked(wechat: WeChatStandin, endpoint: str) -> list[date]:
    """The days that an endpoint was asked about, in that order."""
    return [
        first + number * DAY
        for path, first, last in wechat.asked
        if path == endpoint
        for number in range((last - first).days + 1)
    ]


def back(count: int, last: date = NIGHT) -> list[date]:
    """So many days up to a last one."""
    return [last - number * DAY for number in reversed(range(count))]


def test_the_statistics_land_as_they_are_delivered(account: Account) -> None:
    with server() as wechat:
        found = account.night(wechat, NIGHT)
        published = [day for day in back(30) if day.toordinal() % 2]
        totals = {(row["msgid"], row["stat_date"]): row for row in found["article_stats"]}
        assert set(totals) == {
            (msgid, day + number * DAY)
            for day in published
            for msgid in wechat.articles(day)
            for number in range((NIGHT - day).days + 1)
        }
        assert len(totals) == len(found["article_stats"])
        first = published[0]
        (msgid, _) = wechat.articles(first)
        row = totals[msgid, first + 3 * DAY]
        assert {name: row[name] for name in contract("wechat", "article_stats").columns} == {
            "msgid": msgid, "stat_date": first + 3 * DAY, "published_on": first, "title": f"第{msgid}期",
            "url": f"https://mp.weixin.qq.com/s/{msgid}", "publish_type": 0, "read_user": 130,
            "read_user_source": '[{"scene_desc": "全部", "user_count": 130}]', "share_user": 3, "zaikan_user": 1,
            "like_user": 2, "comment_count": 0, "collection_user": 3, "praise_money": 880, "read_subscribe_user": 60,
            "read_delivery_rate": Decimal("0.125000"), "read_finish_rate": Decimal("0.500000"),
            "read_avg_activetime": Decimal("1.250000"), "is_delay": False,
        }  # fmt: skip
        # what the contract has no column for is kept
        assert json.loads(row["properties"]) == {"read_jump_position": [{"position": 1, "rate": 0.25}]}
        daily = {(row["ref_date"], row["msgid"]): row for row in found["article_daily_stats"]}
        assert set(daily) == {(day, msgid) for day in back(7) for msgid in wechat.articles(day)}
        one, two = wechat.articles(published[-1])
        assert (daily[published[-1], one]["read_user"], daily[published[-1], one]["share_user"]) == (40, None)
        assert (daily[published[-1], two]["read_user"], daily[published[-1], two]["share_user"]) == (40, 1)
        assert len(json.loads(daily[published[-1], two]["read_user_source"])) == 4
        account_days = {row["ref_date"]: row for row in found["account_daily_stats"]}
        assert list(account_days) == back(7)
        said = wechat.account_day(NIGHT)["detail"]
        assert account_days[NIGHT]["read_user"] == said["read_user"]
        assert (account_days[NIGHT]["send_page_count"], account_days[NIGHT]["redirect_ori_page_user"]) == (2, 6)
        for rows in found.values():
            assert [row["row_errors"] for row in rows] == [None] * len(rows)
        assert wechat.calls[standin.ACCOUNT_SUMMARY] == 1
        assert not [endpoint for endpoint in standin.RETIRED if wechat.calls[endpoint]]


def test_a_rerun_reads_the_same_days_and_changes_nothing(account: Account) -> None:
    with server() as wechat:
        account.night(wechat, NIGHT)
        before, cursor = account.staged(), account.cursor("article_stats")
        account.night(wechat, NIGHT)
        assert account.staged() == before
        assert account.cursor("article_stats") == cursor == {"through": "2026-11-20", "delayed": []}


def test_every_night_reads_thirty_days_of_publishing_and_nights_that_were_missed(account: Account) -> None:
    with server() as wechat:
        account.night(wechat, NIGHT)
        account.night(wechat, NIGHT + DAY)
        assert asked(wechat, standin.ARTICLE_TOTAL) == back(31, NIGHT + DAY)
        account.night(wechat, NIGHT + 11 * DAY)
        # an article of thirty days before the last night has gained readers since
        assert asked(wechat, standin.ARTICLE_TOTAL) == back(40, NIGHT + 11 * DAY)
        assert asked(wechat, standin.ARTICLE_READ) == back(17, NIGHT + 11 * DAY)
        assert [call[1:] for call in wechat.asked if call[0] == standin.USER_SUMMARY] == [
            (NIGHT - 5 * DAY, NIGHT + 1 * DAY), (NIGHT + 2 * DAY, NIGHT + 8 * DAY), (NIGHT + 9 * DAY, NIGHT + 11 * DAY),
        ]  # fmt: skip


def test_preliminary_days_are_read_again_until_they_are_final(account: Account) -> None:
    late = NIGHT - 2 * DAY
    with server(delayed=[late]) as wechat:
        found = account.night(wechat, NIGHT)
        delays = {(row["ref_date"], row["is_delay"]) for row in found["article_daily_stats"]}
        assert delays == {(day, day == late) for day in back(7) if wechat.articles(day)}
        assert account.cursor("article_daily_stats") == {"through": "2026-11-20", "delayed": [late.isoformat()]}
        # of a span, all days are read again
        assert account.cursor("account_daily_stats")["delayed"] == [day.isoformat() for day in back(7)]
        # long after the days that every night reads again
        later = NIGHT + 60 * DAY
        for night in (later, later + DAY):
            account.night(wechat, night)
            assert late in asked(wechat, standin.ARTICLE_READ)
            assert asked(wechat, standin.ARTICLE_READ).count(NIGHT - 3 * DAY) == (night == later) * 1
        wechat.delayed.clear()
        final = account.night(wechat, later + 2 * DAY)
        assert {row["is_delay"] for row in final["article_daily_stats"]} == {False}
        assert account.cursor("article_daily_stats")["delayed"] == []
        account.night(wechat, later + 3 * DAY)
        assert late not in asked(wechat, standin.ARTICLE_READ)


def test_before_eight_yesterday_is_left_for_the_next_run_and_said(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    early = datetime(2026, 11, 21, 7, 59, tzinfo=BEIJING)
    with server() as wechat:
        account.night(wechat, NIGHT, early)
        assert asked(wechat, standin.USER_SUMMARY) == back(7, NIGHT - DAY)
        assert "statistics of 2026-11-20 are ready at 08:00 in Beijing; they are left" in caplog.text
        assert {account.cursor(name)["through"] for name in STATISTICS} == {"2026-11-19"}
        caplog.clear()
        account.night(wechat, NIGHT, early + timedelta(minutes=1))
        assert NIGHT in asked(wechat, standin.USER_SUMMARY) and NIGHT in asked(wechat, standin.ARTICLE_TOTAL)
        assert {account.cursor(name)["through"] for name in STATISTICS} == {"2026-11-20"}
        assert "are left" not in caplog.text
        # an account whose numbers come later still
        account.night(wechat, NIGHT + DAY, datetime(2026, 11, 22, 9, tzinfo=BEIJING), ", ready_hour: 10")
        assert NIGHT + DAY not in asked(wechat, standin.USER_SUMMARY)


def test_a_backfill_reads_its_day_alone_and_leaves_the_cursor(account: Account) -> None:
    account.objects += ["followers", "tags"]
    past = date(2026, 5, 8)
    now = datetime(2026, 11, 21, 9, tzinfo=BEIJING)
    with server(delayed=[past]) as wechat:
        account.night(wechat, NIGHT)
        lists = wechat.calls[standin.USER_GET], wechat.calls[standin.TAGS_GET]
        for _ in range(2):
            found = account.night(wechat, past, now)
            assert {(first, last) for _, first, last in wechat.asked} == {(past, past)}
            assert {endpoint for endpoint, _, _ in wechat.asked} == {
                standin.USER_SUMMARY, standin.USER_CUMULATE, standin.ACCOUNT_SUMMARY, standin.ARTICLE_READ,
                standin.ARTICLE_SHARE, standin.ARTICLE_TOTAL,
            }  # fmt: skip
            # followers are those of now: a window of May does not list them
            assert (wechat.calls[standin.USER_GET], wechat.calls[standin.TAGS_GET]) == lists
            assert set(found) <= set(STATISTICS)
        assert {account.cursor(name)["through"] for name in account.objects} == {"2026-11-20"}
        # what it found preliminary is asked for again like any other
        assert account.cursor("article_stats")["delayed"] == [past.isoformat()]
        kept = account.staged()
        wechat.delayed.clear()
        account.night(wechat, NIGHT + DAY)
        assert past in asked(wechat, standin.ARTICLE_TOTAL) and wechat.calls[standin.USER_GET] > lists[0]
        assert set(kept["article_stats"]) < set(account.staged()["article_stats"])


def test_the_api_is_not_asked_for_days_that_it_does_not_have(account: Account) -> None:
    with server() as wechat:
        account.night(wechat, date(2025, 11, 3), datetime(2025, 11, 4, 9, tzinfo=BEIJING))
        assert asked(wechat, standin.ARTICLE_TOTAL) == [date(2025, 11, day) for day in (1, 2, 3)]
        assert asked(wechat, standin.USER_SUMMARY) == back(7, date(2025, 11, 3))
    assert days.last_ready_day(datetime(2026, 11, 20, 23, 30, tzinfo=UTC), 8) == date(2026, 11, 19)


def test_a_window_before_all_statistics_asks_for_nothing(account: Account) -> None:
    with server() as wechat:
        found = account.night(wechat, date(2014, 1, 1))
        assert all(rows == [] for rows in found.values())
        assert wechat.calls.total() == 0
        assert account.cursor("daily_follower_stats") == {"through": None, "delayed": []}


def test_a_night_of_the_future_does_not_stop_the_nights_until_then(account: Account) -> None:
    account.objects = ["followers"]
    with server() as wechat:
        account.night(wechat, date(2027, 6, 1), datetime(2026, 11, 21, 9, tzinfo=BEIJING))
        assert account.cursor("followers")["through"] == "2026-11-21"
        assert len(account.night(wechat, date(2026, 11, 21))["followers"]) == 20


@pytest.mark.parametrize("span_days", [7, 4, 1])
def test_refused_spans_are_halved_for_every_statistic_of_several_days(account: Account, span_days: int) -> None:
    with server(span_days=span_days) as wechat:
        found = account.night(wechat, NIGHT)
        assert [row["ref_date"] for row in found["account_daily_stats"]] == back(7)
        assert asked(wechat, standin.ACCOUNT_SUMMARY) == back(7)


CURRENT = {
    standin.ACCOUNT_SUMMARY: "account_daily_stats",
    standin.ARTICLE_READ: "article_daily_stats",
    standin.ARTICLE_SHARE: "article_daily_stats",
    standin.ARTICLE_TOTAL: "article_stats",
    standin.USER_SUMMARY: "daily_follower_stats",
    standin.USER_CUMULATE: "daily_follower_stats",
}


@pytest.mark.parametrize("endpoint", CURRENT)
def test_an_endpoint_that_is_retired_is_said_once_and_nothing_lands(account: Account, endpoint: str) -> None:
    with server(errcode_at={endpoint: 47009}) as wechat, pytest.raises(SourceFault) as caught:
        account.night(wechat, NIGHT)
    assert wechat.calls[endpoint] == 1
    assert endpoint in str(caught.value) and "retired" in str(caught.value) and "47009" in str(caught.value)
    assert caught.value.object == CURRENT[endpoint]
    assert store.manifests(account.settings, "wechat") == []


def test_entries_that_cannot_be_read_are_told_in_their_row() -> None:
    good = {"ref_date": "2026-11-19", "msgid": "1_1", "detail": {"read_user": "7", "extra": 1}}
    wrong = [{**good, "detail": []}, 5, {"ref_date": "19.11.2026", "msgid": "", "detail": {"read_user": "many"}}]
    rows = articles.daily_rows([good, *wrong], [{**good, "detail": {"share_user": 2}}], True)
    (first, *broken) = rows
    assert (first["read_user"], first["share_user"], first["is_delay"]) == (7, 2, True)
    assert json.loads(first["properties"]) == {"extra": 1}
    assert [[(e["field"], e["rule"]) for e in json.loads(row["row_errors"])] for row in broken] == [
        [("detail", "not_object")],
        [("msgid", "not_object")],
        [("ref_date", "not_date"), ("read_user", "not_integer"), ("msgid", "required")],
    ]
    article = {"ref_date": "2026-11-19", "msgid": "1_1", "detail_list": [{"stat_date": "2026-11-19"}, 3, {}]}
    rows = articles.total_rows([article, {"msgid": "1_2"}, None], False)
    assert [row.get("stat_date") for row in rows] == [date(2026, 11, 19), None, None, None, None]
    assert ["row_errors" in row for row in rows] == [False, True, True, True, True]
    rules = [json.loads(row["row_errors"])[0]["rule"] for row in rows[1:]]
    assert rules == ["not_object", "required", "not_list", "not_list"]


def test_a_rate_keeps_six_places() -> None:
    detail = {"stat_date": "2026-11-19", "read_finish_rate": 1 / 3, "read_delivery_rate": "0.5", "praise_money": 1.5}
    (row,) = articles.total_rows([{"ref_date": "2026-11-19", "msgid": "1_1", "detail_list": [detail]}], False)
    assert row["read_finish_rate"] == Decimal("0.333333") and row["read_delivery_rate"] == Decimal("0.5")
    assert json.loads(row["row_errors"])[0]["field"] == "praise_money"


def test_windows_are_read_in_beijing_days_whatever_the_business_time_zone() -> None:
    for zone in ("Asia/Shanghai", "UTC", "America/New_York"):
        start = datetime(2026, 11, 20, tzinfo=ZoneInfo(zone))
        window = Window(start.astimezone(UTC), (start + DAY).astimezone(UTC))
        assert days.asked_days(window) == (NIGHT, NIGHT)
        assert days.is_past(window, {"through": "2026-11-21"}) and not days.is_past(window, {"through": "2026-11-20"})
        assert not days.is_past(window, {})
