"""Quotas of WeChat: counted on the disk, shared by reruns and processes, free again at midnight in Beijing."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from persona_warehouse.errors import SourceFault
from persona_warehouse.files import read_json
from persona_warehouse.settings import Settings
from persona_warehouse.sources import official_account
from persona_warehouse.sources.load import load_stream
from persona_warehouse.sources.official_account.quota import Quotas, UsedUp, quota_file
from tests.standins import wechat as standin
from tests.standins.wechat import WeChatStandin

BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 9, tzinfo=BEIJING)
Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One load of followers and tags, as a process of its own would do it: all that it knows is on the disk."""

    def _run(wechat: WeChatStandin, now: datetime = NOW, **options: Any) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", wechat.connection_json())
        monkeypatch.setattr(official_account, "beijing_now", lambda: now)
        entry = {"connector": "official_account", "connection": "wechat_main", "objects": ["followers", "tags"]}
        (tmp_path / "sources.yml").write_text(
            json.dumps({"sources": {"wechat": [{**entry, "backoff_seconds": 0, **options}]}}), encoding="utf-8"
        )
        settings = Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        load_stream(settings, "wechat")

    return _run


def count_in(folder: Path) -> dict[str, Any]:
    return dict(read_json(quota_file(folder / "home", WeChatStandin.appid)))


def test_calls_are_counted_over_runs_and_end_at_the_quota(run: Run, tmp_path: Path) -> None:
    with WeChatStandin(followers=250, page_size=100) as wechat:
        quotas = {"user/get": 10}
        run(wechat, quotas=quotas)
        run(wechat, quotas=quotas)
        assert wechat.calls[standin.USER_GET] == 8
        count = count_in(tmp_path)
        # a share that was taken and not spent is given back
        assert count == {
            "day": "2026-11-21", "refused": [],
            "calls": {"stable_token": 2, "user/get": 8, "user/info/batchget": 6, "tags/get": 2},
        }  # fmt: skip
        with pytest.raises(SourceFault) as caught:
            run(wechat, quotas=quotas)
        # the last two of the quota were used, the eleventh call was not made
        assert wechat.calls[standin.USER_GET] == 10
        assert caught.value.field == "quotas.user/get" and caught.value.object == "followers"
        said = str(caught.value)
        assert "/cgi-bin/user/get" in said and "at most 10 calls a day" in said
        assert "free again at 2026-11-22 00:00 in Beijing" in said
        assert WeChatStandin.appid not in said
        with pytest.raises(SourceFault):
            run(wechat, quotas=quotas)
        assert wechat.calls[standin.USER_GET] == 10
        # a higher quota in the console, and the next day
        run(wechat, quotas={"user/get": 20})
        run(wechat, now=NOW + timedelta(hours=15), quotas=quotas)
        assert wechat.calls[standin.USER_GET] == 18
        assert count_in(tmp_path)["calls"]["user/get"] == 4 and count_in(tmp_path)["day"] == "2026-11-22"


def test_a_quota_that_the_api_calls_used_up_is_not_tried_again_that_day(run: Run, tmp_path: Path) -> None:
    with WeChatStandin(followers=20, errcode_once_at={standin.TAGS_GET: 45009}) as wechat:
        for said in ("errcode 45009", "the API refused a call today"):
            with pytest.raises(SourceFault) as caught:
                run(wechat)
            assert said in str(caught.value) and "2026-11-22 00:00" in str(caught.value)
            assert caught.value.object == "tags"
            assert wechat.calls[standin.TAGS_GET] == 1
        assert count_in(tmp_path)["refused"] == ["tags/get"]
        run(wechat, now=NOW.replace(day=22, hour=0))
        assert wechat.calls[standin.TAGS_GET] == 2
        assert count_in(tmp_path)["refused"] == []


def test_retries_count_and_a_quota_of_none_asks_nothing(run: Run, tmp_path: Path) -> None:
    with WeChatStandin(followers=20, busy_once_at=standin.TAGS_GET) as wechat:
        run(wechat)
        assert count_in(tmp_path)["calls"]["tags/get"] == wechat.calls[standin.TAGS_GET] == 2
        with pytest.raises(SourceFault, match="at most 0 calls"):
            run(wechat, quotas={"stable_token": 0})
        assert wechat.calls[standin.STABLE_TOKEN] == 1


def test_the_file_holds_no_secret_and_does_not_name_the_account(run: Run, tmp_path: Path) -> None:
    with WeChatStandin(followers=20) as wechat:
        run(wechat)
        path = quota_file(tmp_path / "home", wechat.appid)
        assert path.is_file() and wechat.appid not in path.name
        text = path.read_text(encoding="utf-8")
        assert not [secret for secret in (wechat.appid, wechat.secret, *wechat.tokens) if secret in text]


def test_the_day_begins_when_the_vendor_says(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 21, 5, 59, tzinfo=BEIJING)]
    quotas = Quotas(tmp_path / "q.json", {"user/get": 1}, reset_hour=6, now=lambda: now[0])
    quotas.spend("/cgi-bin/user/get")
    with pytest.raises(UsedUp) as caught:
        quotas.spend("/cgi-bin/user/get")
    assert caught.value.free_at == datetime(2026, 11, 21, 6, tzinfo=BEIJING)
    now[0] += timedelta(minutes=1)
    quotas.spend("/cgi-bin/user/get")
    quotas.spend("/cgi-bin/some/other")


def test_what_was_taken_before_midnight_is_not_spent_after_it(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 21, 23, 59, tzinfo=BEIJING)]
    quotas = Quotas(tmp_path / "q.json", {"user/info": 5_000}, now=lambda: now[0])
    quotas.spend("/cgi-bin/user/info")
    assert read_json(tmp_path / "q.json")["calls"] == {"user/info": 5}
    now[0] += timedelta(minutes=2)
    quotas.spend("/cgi-bin/user/info")
    quotas.give_back()
    assert read_json(tmp_path / "q.json") == {"day": "2026-11-22", "calls": {"user/info": 1}, "refused": []}


def test_a_count_that_cannot_be_read_begins_anew_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "q.json").write_text("[]", encoding="utf-8")
    quotas = Quotas(tmp_path / "q.json", {"user/get": 2}, now=lambda: NOW)
    quotas.spend("/cgi-bin/user/get")
    assert "counted from 0" in caplog.text
    assert read_json(tmp_path / "q.json")["calls"] == {"user/get": 1}


def _spend_all(path: Path, made: Any) -> None:
    quotas = Quotas(path, {"user/info": 300})
    try:
        while True:
            quotas.spend("/cgi-bin/user/info")
            with made.get_lock():
                made.value += 1
    except UsedUp:
        quotas.give_back()


def test_processes_at_the_same_time_do_not_exceed_it_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    made = context.Value("i", 0)
    workers = [context.Process(target=_spend_all, args=(tmp_path / "q.json", made)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert made.value == 300
