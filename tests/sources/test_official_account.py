"""The official_account connector against a strict stand-in of the API, and its parsing by itself."""

from __future__ import annotations

import json
import logging
import random
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import answers, official_account
from persona_warehouse.sources.official_account import articles, client, extract, parse, values
from tests.standins import wechat as standin
from tests.standins.wechat import WeChatStandin

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "wechat_wechatpy_fixtures"
TODAY = date(2026, 11, 21)
NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
NOW = datetime(2026, 11, 21, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
CONFIG = {
    "connector": "official_account", "connection": "wechat_main", "backoff_seconds": 0.01, "minute_quota_seconds": 0.01,
}  # fmt: skip

Tables = dict[str, list[pa.Table]]
Run = Callable[..., Tables]


def settings_of(home: Path) -> Settings:
    return Settings(home, home / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the connector against a stand-in: landing object -> the tables it yielded."""
    monkeypatch.setattr(official_account, "beijing_now", lambda: NOW)

    def _run(server: WeChatStandin, only: str | None = None, **options: Any) -> Tables:
        monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", server.connection_json())
        # every run is the first of its account
        settings = settings_of(tmp_path / str(len(list(tmp_path.iterdir()))))
        settings.home.mkdir()
        extracts = extract({**CONFIG, **options}, "wechat", settings, NIGHT)
        return {found.object: list(found.batches()) for found in extracts if only in (None, found.object)}

    return _run


def server(**options: Any) -> WeChatStandin:
    """A small stand-in: 250 followers on three pages."""
    return WeChatStandin(**{"followers": 250, "page_size": 100, "today": TODAY, **options})


def joined(tables: Tables) -> dict[str, pa.Table]:
    return {name: pa.concat_tables(parts) for name, parts in tables.items()}


def failure_of(run: Run, wechat: WeChatStandin, only: str = "followers", **options: Any) -> PersonaError:
    """The error that a run ends with; nothing secret may stand in its text or in the text of what caused it."""
    with pytest.raises(PersonaError) as caught:
        run(wechat, only, **options)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not [secret for secret in (wechat.secret, wechat.appid, *wechat.tokens) if secret in told]
    return caught.value


# the whole run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pa.Table]]:
    settings = settings_of(tmp_path_factory.mktemp("whole"))
    with pytest.MonkeyPatch.context() as patch, WeChatStandin(today=TODAY) as wechat:
        patch.setattr(official_account, "beijing_now", lambda: NOW)
        patch.setenv("AIRFLOW_CONN_WECHAT_MAIN", wechat.connection_json())
        found = {each.object: list(each.batches()) for each in extract(CONFIG, "wechat", settings, NIGHT)}
        assert [table.num_rows for table in found["followers"]] == [10_000, 10_000, 5_000]
        assert wechat.calls == {
            standin.STABLE_TOKEN: 1,
            standin.USER_GET: 4,
            standin.USER_INFO_BATCH: 250,
            standin.TAGS_GET: 1,
            standin.USER_SUMMARY: 1,
            standin.USER_CUMULATE: 1,
            standin.ACCOUNT_SUMMARY: 1,
            standin.ARTICLE_READ: 7,
            standin.ARTICLE_SHARE: 7,
            standin.ARTICLE_TOTAL: 30,
        }
        yield joined(found)


def test_the_whole_list_lands(whole: dict[str, pa.Table]) -> None:
    followers = whole["followers"]
    expected = WeChatStandin()
    for name, table in whole.items():
        assert table.schema.equals(landing_schema("wechat", name))
        assert table["row_errors"].null_count == table.num_rows
        assert table["source_row"].to_pylist() == list(range(1, table.num_rows + 1))
    assert pc.count_distinct(followers["openid"]).as_py() == followers.num_rows == 25_000
    assert pc.sum(pc.invert(followers["is_subscribed"])).as_py() == expected.left_count == 1471
    assert followers["unionid"].length() - followers["unionid"].null_count == expected.unionid_count
    assert expected.unionid_count / (25_000 - expected.left_count) == pytest.approx(0.6, abs=0.001)
    assert whole["tags"].num_rows == 6
    assert followers["properties"].unique().to_pylist() == ['{"groupid": 0}', None]


def test_faults_in_mid_run_change_nothing(run: Run, whole: dict[str, pa.Table]) -> None:
    faults = WeChatStandin(today=TODAY, expire_token_after=120, busy_once_at=standin.USER_INFO_BATCH, repeat_page=True)
    with faults as wechat:
        found = joined(run(wechat))
    assert wechat.calls[standin.STABLE_TOKEN] == 2
    assert wechat.calls[standin.USER_INFO_BATCH] == 252  # one busy, one with the expired token
    assert wechat.calls[standin.USER_GET] == 5
    for name, table in whole.items():
        assert found[name].equals(table), name


@pytest.mark.parametrize("end_style", ["no_data", "zero_count", "empty_next", "same_next"])
@pytest.mark.parametrize("followers", [250, 200])
def test_every_end_of_the_list_is_seen(run: Run, end_style: str, followers: int) -> None:
    with server(end_style=end_style, followers=followers) as wechat:
        table = joined(run(wechat, "followers"))["followers"]
        assert table["openid"].to_pylist() == [wechat.openid(index) for index in range(followers)]
    pages = followers // 100 + (followers % 100 > 0)
    assert wechat.calls[standin.USER_GET] == pages + (end_style != "empty_next")


@pytest.mark.parametrize("end_style", ["no_data", "zero_count", "empty_next", "same_next"])
def test_followers_who_leave_while_the_list_is_read_are_listed_once(run: Run, end_style: str) -> None:
    # 99 and 98 end the first page, 150 is still to come, 3 has been listed
    leaving = {1: (3, 98, 99, 150), 2: (190,)}
    with server(leave_after_page=leaving, end_style=end_style) as wechat:
        table = joined(run(wechat, "followers"))["followers"]
        listed = [wechat.openid(index) for index in range(250) if index != 150]
    assert table["openid"].to_pylist() == listed
    assert table["row_errors"].null_count == len(listed)
    rows = {row["openid"]: row for row in table.to_pylist()}
    for index in (3, 98, 99, 190):
        # asked for after they left, they carry nothing but their openid
        left = rows[wechat.openid(index)]
        assert (left["is_subscribed"], left["subscribed_at"], left["unionid"]) == (False, None, None)
    assert rows[wechat.openid(4)]["is_subscribed"] is True


def test_an_account_without_followers_yields_an_empty_table(run: Run) -> None:
    with server(followers=0) as wechat:
        tables = run(wechat)
    assert [table.num_rows for table in tables["followers"]] == [0]


def test_a_list_that_breaks_off_is_no_list(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as wechat:
        monkeypatch.setattr(
            wechat, "_page", lambda start: {"total": 250, "count": 1, "data": {"openid": ["o1"]}, "next_openid": ""}
        )
        fault = failure_of(run, wechat)
    assert isinstance(fault, SourceFault)
    assert "about 250" in str(fault) and "1 openids" in str(fault)


# faults that pass


@pytest.mark.parametrize(
    "fault",
    [
        {"status_once": 500},
        {"status_once": 503},
        {"cut_body_once": True},
        {"busy_once_at": standin.USER_INFO_BATCH},
        {"errcode_once_at": {standin.USER_INFO_BATCH: 40014}},
        {"errcode_once_at": {standin.USER_INFO_BATCH: 40001}},
        {"errcode_once_at": {standin.USER_GET: 42001}},
        {"busy_once_at": standin.STABLE_TOKEN},
        {"cut_body_once": True, "once_at": standin.STABLE_TOKEN},
        {"errcode_once_at": {standin.USER_SUMMARY: 61500}},
    ],
    ids=str,
)
def test_a_fault_that_passes_changes_nothing(run: Run, fault: dict[str, Any]) -> None:
    with server() as wechat:
        expected = joined(run(wechat))
    with server(**fault) as wechat:
        found = joined(run(wechat))
    assert all(found[name].equals(table) for name, table in expected.items())


@pytest.mark.parametrize(
    ("fault", "options", "rest"),
    [
        ({"rate_limit_once": True, "retry_after": "7"}, {}, 7.0),
        ({"errcode_once_at": {standin.USER_INFO_BATCH: 45011}}, {}, 60.0),
        ({"errcode_once_at": {standin.USER_INFO_BATCH: 45011}}, {"minute_quota_seconds": 5}, 5.0),
    ],
)
def test_the_server_is_left_alone_for_as_long_as_it_asks(fault: Any, options: Any, rest: float) -> None:
    rests: list[float] = []
    with server(**fault) as wechat:
        setup = client.Options("wechat", wechat.base_url, wechat.appid, wechat.secret, **options)
        with client.WeChatClient(setup, "followers", sleep=rests.append) as api:
            assert len(list(api.follower_rows([wechat.openid(0)]))) == 1
    assert rests == [rest]


def test_retries_back_off_exponentially_and_end() -> None:
    rests: list[float] = []
    with server(errcode_at={standin.TAGS_GET: -1}) as wechat:
        setup = client.Options("wechat", wechat.base_url, wechat.appid, wechat.secret, max_retries=4)
        with client.WeChatClient(setup, "tags", sleep=rests.append) as api, pytest.raises(SourceFault) as caught:
            api.tag_rows()
    assert wechat.calls[standin.TAGS_GET] == 5
    assert all(2**number <= rest <= 2**number + 1 for number, rest in enumerate(rests)), rests
    assert "errcode -1" in str(caught.value) and "last of 5 attempts" in str(caught.value)


def test_a_long_retry_after_ends_the_run(run: Run) -> None:
    with server(rate_limit_once=True, retry_after="7200") as wechat:
        assert "in 120 minutes" in str(failure_of(run, wechat))


def test_retry_after_is_read_in_both_forms() -> None:
    now = datetime(2026, 11, 21, 7, 28, tzinfo=UTC)
    assert answers.retry_after("12", now) == 12
    assert answers.retry_after("Sat, 21 Nov 2026 07:29:30 GMT", now) == 90
    assert answers.retry_after("Sat, 21 Nov 2026 07:00:00 GMT", now) == 0
    assert answers.retry_after("soon", now) is None
    assert answers.retry_after(None, now) is None


# faults that stay


@pytest.mark.parametrize(
    ("errcode", "kind", "words", "calls"),
    [
        (-1, SourceFault, "has no time", 3),
        (40001, SourceFault, "just issued", 2),
        (40014, SourceFault, "just issued", 2),
        (42001, SourceFault, "just issued", 2),
        (40013, ConfigError, "appid", 1),
        (40125, ConfigError, "appsecret", 1),
        (40164, ConfigError, "whitelist", 1),
        (43002, SourceFault, "another HTTP method", 1),
        (45009, SourceFault, "free again at 2026-11-22 00:00 in Beijing", 1),
        (45011, SourceFault, "has no time", 3),
        (45056, SourceFault, "refuses a tag", 1),
        (45057, SourceFault, "refuses a tag", 1),
        (45058, SourceFault, "refuses a tag", 1),
        (45157, SourceFault, "refuses a tag", 1),
        (45158, SourceFault, "refuses a tag", 1),
        (45159, SourceFault, "refuses a tag", 1),
        (47009, SourceFault, "retired", 1),
        (48001, ConfigError, "verified", 1),
        (48004, ConfigError, "banned", 1),
        (48006, SourceFault, "resets of quotas", 1),
        (50002, SourceFault, "limited", 1),
        (61500, SourceFault, "wrong format", 1),
        (61501, SourceFault, "out of range", 1),
        (99999, SourceFault, "refuses the call", 1),
    ],
)
def test_an_errcode_that_stays(run: Run, errcode: int, kind: type[PersonaError], words: str, calls: int) -> None:
    with server(errcode_at={standin.USER_INFO_BATCH: errcode}) as wechat:
        fault = failure_of(run, wechat, max_retries=2, backoff_seconds=0.001)
    assert type(fault) is kind
    assert words in str(fault) and f"errcode {errcode}" in str(fault) and standin.USER_INFO_BATCH in str(fault)
    assert (fault.source, fault.object) == ("wechat/official_account", "followers")
    assert wechat.calls[standin.USER_INFO_BATCH] == calls


@pytest.mark.parametrize(("errcode", "kind"), [(40013, ConfigError), (40164, ConfigError), (45009, SourceFault)])
@pytest.mark.parametrize("endpoint", ["stable_token", "token"])
def test_an_errcode_of_the_token_call_ends_the_run(run: Run, errcode: int, kind: type, endpoint: str) -> None:
    path = f"/cgi-bin/{endpoint}"
    with server(errcode_at={path: errcode}) as wechat:
        assert type(failure_of(run, wechat, token_endpoint=endpoint)) is kind
    assert wechat.calls == {path: 1}


def test_a_wrong_secret_is_told_without_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as wechat:
        monkeypatch.setattr(wechat, "secret", "another-secret")
        monkeypatch.setattr(wechat, "connection_json", lambda: _connection(wechat, "not-the-secret"))
        fault = failure_of(run, wechat)
    assert isinstance(fault, ConfigError) and "40125" in str(fault) and "not-the-secret" not in str(fault)


def _connection(wechat: WeChatStandin, password: str) -> str:
    return json.dumps({"conn_type": "http", "host": wechat.base_url, "login": wechat.appid, "password": password})


@pytest.mark.parametrize("endpoint", ["stable_token", "token"])
def test_a_login_page_is_told_at_once(run: Run, endpoint: str) -> None:
    with server(login_page=True) as wechat:
        fault = failure_of(run, wechat, token_endpoint=endpoint)
    assert isinstance(fault, SourceFault)
    assert wechat.calls == {f"/cgi-bin/{endpoint}": 1}
    text = str(fault)
    for part in (
        f"/cgi-bin/{endpoint}",
        "application/json",
        "text/html",
        'beginning "Portal Sign in to go on to',
        "base_url",
    ):
        assert part in text


def test_a_login_page_in_mid_run_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as wechat:
        monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", wechat.connection_json())
        batches = next(iter(extract(CONFIG, "wechat", settings_of(tmp_path), NIGHT))).batches()
        assert next(batches).num_rows == 100
        # a page is handed over before the next one is asked for
        assert wechat.calls[standin.USER_GET] == wechat.calls[standin.USER_INFO_BATCH] == 1
        monkeypatch.setattr(wechat, "_login_page", True)
        monkeypatch.setattr(wechat, "calls", type(wechat.calls)())
        with pytest.raises(SourceFault) as caught:
            next(batches)
    assert wechat.calls == {standin.USER_GET: 1}
    assert not [secret for secret in (wechat.tokens[0][:16], wechat.openid(99)[:8]) if secret in str(caught.value)]


def test_a_path_that_is_not_there_is_told_at_once(run: Run) -> None:
    with server() as wechat:
        fault = failure_of(run, wechat, base_url=wechat.base_url + "/elsewhere")
    assert "HTTP 404" in str(fault) and wechat.calls.total() == 1


def test_a_dead_server_is_told_after_retries(run: Run) -> None:
    with server() as wechat:
        pass
    fault = failure_of(run, wechat, max_retries=1)
    assert isinstance(fault, SourceFault) and "ConnectError" in str(fault) and "last of 2 attempts" in str(fault)


def test_what_the_api_says_is_told_without_what_is_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(errcode_at={standin.USER_INFO_BATCH: 48001}) as wechat:
        monkeypatch.setitem(standin.MESSAGES, 48001, f"{wechat.openid(1)} {wechat.appid} {wechat.secret} unauthorized")
        fault = failure_of(run, wechat)
    assert "*** *** *** unauthorized" in str(fault)


def test_an_unknown_shape_names_the_field(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as wechat:
        monkeypatch.setattr(
            wechat, "_page", lambda start: {"total": 250, "count": 1, "data": ["o1"], "next_openid": ""}
        )
        fault = failure_of(run, wechat)
    assert (fault.field, fault.expected) == ("data.openid", "a list of openids")


def test_an_invalid_openid_is_quarantined_and_its_batch_is_not_lost(run: Run) -> None:
    with server(invalid_openids=(3, 150)) as wechat:
        table = joined(run(wechat, "followers"))["followers"]
    assert wechat.calls[standin.USER_INFO] == 200
    wrong = table.filter(pc.is_valid(table["row_errors"]))
    assert table.num_rows == 250
    assert wrong["openid"].to_pylist() == [wechat.openid(3), wechat.openid(150)]
    assert json.loads(wrong["row_errors"][0].as_py()) == [
        {
            "field": "openid",
            "rule": "valid_openid",
            "expected": "an openid of a follower of this account",
            "found": "errcode 40003",
        }
    ]
    assert json.loads(wrong["raw_row"][0].as_py()) == {"openid": wechat.openid(3), "errcode": 40003}


def test_nothing_secret_is_logged(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # Airflow, wherever it was imported in this process, lowers its voice
    caplog.set_level(logging.DEBUG, logger="httpx")
    for endpoint in ("stable_token", "token"):
        faults = {"busy_once_at": standin.TAGS_GET, "status_once": 503, "invalid_openids": (3,)}
        with server(expire_token_after=3, **faults) as wechat:
            run(wechat, token_endpoint=endpoint)
        assert len(wechat.tokens) == 2
        assert wechat.calls[standin.USER_INFO] == 101  # one with the expired token
        openids = [wechat.openid(index) for index in range(250)]
        assert not [
            secret for secret in (wechat.secret, wechat.appid, *wechat.tokens, *openids) if secret in caplog.text
        ]
    assert "HTTP Request: GET" in caplog.text and "has no time" in caplog.text


# tokens


def test_the_classic_token_is_shared_by_all_objects(run: Run) -> None:
    with server() as wechat:
        run(wechat, token_endpoint="token")
    assert wechat.calls[standin.CLASSIC_TOKEN] == 1 and wechat.calls[standin.STABLE_TOKEN] == 0


def test_a_refused_token_that_is_served_again_is_forced_out(run: Run) -> None:
    with server(errcode_once_at={standin.TAGS_GET: 40001}) as wechat:
        run(wechat, "tags")
    assert wechat.calls[standin.STABLE_TOKEN] == 3 and len(wechat.tokens) == 2


# statistics


def test_daily_statistics_are_joined(run: Run) -> None:
    with server() as wechat:
        table = joined(run(wechat, "daily_follower_stats"))["daily_follower_stats"]
    days = [TODAY - timedelta(days=number) for number in range(7, 0, -1)]
    rows = {(row["ref_date"], row["user_source"]): row for row in table.to_pylist()}
    assert len(rows) == table.num_rows == 7 * len(standin.USER_SOURCES)
    for day in days:
        for entry in wechat.summary(day):
            row = rows[day, entry["user_source"]]
            assert (row["new_user"], row["cancel_user"]) == (entry["new_user"], entry["cancel_user"])
        assert rows[day, 0]["cumulate_user"] == wechat.cumulate(day)[0]["cumulate_user"]
    made = [row for row in rows.values() if row["user_source"] == 0 and row["new_user"] is None]
    assert [row["ref_date"].toordinal() % 3 for row in made] == [0, 0]
    assert {row["cumulate_user"] for (_, source), row in rows.items() if source} == {None}


@pytest.mark.parametrize(("stats_days", "span_days", "calls"), [(7, 7, 1), (8, 7, 2), (21, 7, 3), (7, 3, 6), (1, 1, 1)])
def test_statistics_are_asked_for_in_spans(run: Run, stats_days: int, span_days: int, calls: int) -> None:
    with server(span_days=span_days) as wechat:
        table = joined(run(wechat, "daily_follower_stats", stats_days=stats_days))["daily_follower_stats"]
    # 7 days in spans of 3: 7 refused, 4 refused, 2 + 2, 3
    assert wechat.calls[standin.USER_SUMMARY] == wechat.calls[standin.USER_CUMULATE] == (5 if span_days == 3 else calls)
    expected = [TODAY - timedelta(days=number) for number in range(stats_days, 0, -1)]
    assert sorted(set(table["ref_date"].to_pylist())) == expected


def test_a_single_day_that_is_refused_ends_the_run(run: Run) -> None:
    with server(errcode_at={standin.USER_CUMULATE: 61501}) as wechat:
        fault = failure_of(run, wechat, "daily_follower_stats")
    assert isinstance(fault, SourceFault) and "61501" in str(fault)
    assert wechat.calls[standin.USER_CUMULATE] == 4  # 7, 4, 2 and 1 days


# configuration


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"stat_days": 3}, "stat_days", "write `stats_days`"),
        ({"stats_days": 0}, "stats_days", "a whole number from 1"),
        ({"stats_days": 1.5}, "stats_days", "a whole number from 1"),
        ({"stats_days": True}, "stats_days", "a whole number from 1"),
        ({"token_endpoint": "oauth"}, "token_endpoint", "stable_token or token"),
        ({"base_url": "api.weixin.qq.com"}, "base_url", "https://api.weixin.qq.com"),
        ({"base_url": "https://user:hidden@api.example"}, "base_url", "https://api.weixin.qq.com"),
        ({"connection": {"password": "hidden"}}, "connection", "the name of a connection"),
        ({"connection": None}, "connection", "nothing"),
        ({"timeout_seconds": "30"}, "timeout_seconds", "a number from"),
        ({"max_retries": -1}, "max_retries", "a whole number from 0"),
        ({"objects": ["follower"]}, "objects", "nearest: followers"),
        ({"objects": "followers"}, "objects", "a list of followers"),
        ({"quotas": {"user/gett": 5}}, "quotas", "nearest: user/get"),
        ({"quotas": {"user/get": -5}}, "user/get", "a whole number from 0"),
        ({"ready_hour": 24}, "ready_hour", "a whole number from 0 to 23"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any], field: str, words: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", WeChatStandin.appid.join(("https://", ":hidden@api.example")))
    with pytest.raises(ConfigError) as caught:
        extract({**CONFIG, **options}, "wechat", settings_of(tmp_path), NIGHT)
    assert caught.value.field == field
    assert words in str(caught.value) and "hidden" not in str(caught.value)


def test_an_incomplete_connection_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", '{"login": "wx1"}')
    with pytest.raises(ConfigError, match="has no password"):
        extract(CONFIG, "wechat", settings_of(tmp_path), NIGHT)


# the recorded answers


def fixture(name: str) -> Any:
    if not FIXTURES.is_dir():
        pytest.skip(f"the recorded answers are not here: {FIXTURES.name}")
    return answers.load_json((FIXTURES / name).read_text(encoding="utf-8"))


def test_the_recorded_follower_list_parses() -> None:
    page = parse.follower_page(fixture("user_get.json"))
    assert page == parse.FollowerPage(("OPENID1", "OPENID2"), 2, "OPENID2")


def test_the_recorded_batch_parses() -> None:
    items = parse.user_infos(fixture("user_info_batchget.json"))
    asked = [item["openid"] for item in items]
    first, second = parse.follower_rows(asked, items)
    assert first["subscribed_at"] == datetime(2015, 6, 12, 7, 10, 47, tzinfo=UTC)
    assert first["is_subscribed"] is True and first["language"] == "zh_CN" and first["remark"] is None
    assert json.loads(first["properties"])["city"] == "Jieyang"
    # someone who left can still carry a unionid
    assert second["is_subscribed"] is False and second["unionid"] and second["subscribed_at"] is None
    table = official_account.to_table([first, second], landing_schema("wechat", "followers"), "recorded", 0)
    assert table["row_errors"].null_count == 2


def test_the_recorded_single_answer_parses() -> None:
    row = parse.follower_row(fixture("user_info.json"))
    assert row["unionid"] == "o6_bmasdasdsad6_2sgVt7hMZOPfL"  # recorded with a blank before it
    assert "row_errors" not in row


def test_the_recorded_statistics_parse() -> None:
    summary = parse.stats_list(fixture("datacube_getusersummary.json"))
    cumulate = parse.stats_list(fixture("datacube_getusercumulate.json"))
    (row,) = parse.stats_rows(summary, cumulate)
    assert (row["ref_date"], row["user_source"], row["cumulate_user"]) == (date(2014, 12, 7), 0, 1217056)
    assert (row["new_user"], row["cancel_user"]) == (0, 0)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("user_get", {"total": 1, "count": 1, "data": {"openid": ["o"]}, "next_openid": "o"}),
        ("user_info_batchget", {"user_info_list": []}),
        ("datacube_getusersummary", {"list": WeChatStandin.summary(date(2026, 11, 20))}),
        ("datacube_getusercumulate", {"list": WeChatStandin.cumulate(date(2026, 11, 20))}),
    ],
)
def test_the_stand_in_answers_in_the_recorded_shape(name: str, answer: dict[str, Any]) -> None:
    recorded = fixture(f"{name}.json")
    assert recorded.keys() == answer.keys()
    for key, value in answer.items():
        if isinstance(value, list) and value:
            assert recorded[key][0].keys() == value[0].keys()


# parsing by itself


def test_a_value_that_cannot_be_read_is_told_in_its_row() -> None:
    row = parse.follower_row({"openid": "o1", "subscribe": 7, "subscribe_time": "2026-01-01", "tagid_list": 3})
    assert row["openid"] == "o1" and row["is_subscribed"] is None and row["tag_ids"] is None
    assert [(error["field"], error["rule"]) for error in json.loads(row["row_errors"])] == [
        ("is_subscribed", "not_boolean"),
        ("subscribed_at", "not_timestamp"),
        ("tag_ids", "not_json"),
    ]
    assert json.loads(row["raw_row"])["subscribe_time"] == "2026-01-01"


def test_retired_keys_vanish_only_when_empty() -> None:
    empty = dict.fromkeys(values.RETIRED, "") | {"sex": 0, "openid": "o1"}
    assert parse.follower_row(empty)["properties"] is None
    kept = parse.follower_row({"openid": "o1", "sex": 1, "city": "广州", "privilege": []})["properties"]
    assert json.loads(kept) == {"sex": 1, "city": "广州", "privilege": []}


@pytest.mark.parametrize(("raw", "text"), [(0, None), (3229, "3229"), ("3229", "3229"), (None, None), (3229.0, "3229")])
def test_a_scene_is_text_and_zero_is_none(raw: Any, text: str | None) -> None:
    assert parse.follower_row({"openid": "o1", "qr_scene": raw})["qr_scene"] == text


def test_nothing_asked_for_is_lost_and_nothing_else_slips_in() -> None:
    rows = parse.follower_rows(["o1", "o2"], [{"openid": "o3"}, {"openid": "o1"}, {"openid": ""}, 5])
    found = [(row.get("openid"), "row_errors" in row) for row in rows]
    assert found == [("o1", False), ("o2", True), (None, True), (None, True), ("o3", True)]


def test_statistics_that_cannot_be_read_are_told_in_their_row() -> None:
    rows = parse.stats_rows(
        [
            {"ref_date": "2026-11-20", "user_source": 1, "new_user": 1},
            {"ref_date": "20.11.2026", "user_source": 1},
            None,
        ],
        [{"ref_date": "2026-11-20", "cumulate_user": "many"}, {"ref_date": "2026-11-20", "user_source": 30}],
    )
    assert ["row_errors" in row for row in rows] == [False, True, True, True, True]
    rules = [json.loads(row["row_errors"])[0]["rule"] for row in rows[1:]]
    assert rules == ["not_date", "not_object", "not_integer", "accepted_values"]


def test_half_a_character_does_not_stop_the_list() -> None:
    item = answers.load_json('{"openid": "o1", "remark": "a\\ud83d", "x": NaN, "note": "tab\there"}')
    table = official_account.to_table([parse.follower_row(item)], landing_schema("wechat", "followers"), "x", 0)
    assert table["remark"].to_pylist() == ["a?"]
    assert json.loads(table["properties"][0].as_py()) == {"x": None, "note": "tab\there"}


def test_visible_text_is_what_a_reader_sees() -> None:
    page = "<!doctype html><style>p {}</style><!-- <p>no --><script>alert('no')</script><p>Sign&nbsp;in &amp; go</p>"
    assert answers.visible_text(page) == "Sign in & go"
    assert len(answers.visible_text("x" * 1000)) == 60


def test_openids_are_met_once() -> None:
    seen, met, chance = answers.Seen(), set(), random.Random(7)
    for _ in range(50):
        openids = [f"o{chance.randrange(400)}" for _ in range(40)]
        expected = [openid for openid in dict.fromkeys(openids) if openid not in met]
        assert seen.fresh(openids) == expected
        met.update(openids)
        assert len(seen) == len(met)


def any_json(chance: random.Random, depth: int = 0) -> Any:
    """A JSON value of any kind, odd ones preferred."""
    texts = ["", "o1", "0", "1", "2026-11-20", "2026-13-45", "\ud83d", "\x00", "日", "1e9", "9" * 30, " x "]
    numbers = [0, 1, -1, 7, 2**31, 2**63, -(2**63), 10**30, 1.5, 1e300, 1434093047, 1434093047000, float("inf")]
    simple = [None, True, False, *texts, *numbers]
    if depth > 2 or chance.random() < 0.6:
        return chance.choice(simple)
    if chance.random() < 0.5:
        return [any_json(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = [
        *parse.FOLLOWER_KEYS,
        *values.RETIRED,
        "id",
        "name",
        "count",
        "ref_date",
        "user_source",
        "new_user",
        "msgid",
        "detail",
        "detail_list",
        "stat_date",
        "read_user",
        "read_user_source",
        "read_finish_rate",
        "\udc00",
    ]
    return {chance.choice(keys): any_json(chance, depth + 1) for _ in range(chance.randrange(8))}


def test_any_json_becomes_rows_in_the_landing_schema() -> None:
    chance = random.Random(20261121)
    items = [any_json(chance) for _ in range(3000)]
    found = {
        "followers": [parse.follower_row(item) for item in items],
        "tags": parse.tag_rows({"tags": items}),
        "daily_follower_stats": parse.stats_rows(items, items),
        "account_daily_stats": articles.account_rows(items, True),
        "article_daily_stats": articles.daily_rows(items, items, None),
        "article_stats": articles.total_rows(items, False),
    }
    for name, rows in found.items():
        table = official_account.to_table(rows, landing_schema("wechat", name), "any", 0)
        for key in ("openid", "tag_id", "ref_date", "msgid", "stat_date"):
            if key in table.column_names:
                # a row without its key is never a good row
                assert table.filter(pc.and_(pc.is_null(table[key]), pc.is_null(table["row_errors"]))).num_rows == 0
        for row in table.to_pylist():
            for column in ("properties", "row_errors", "raw_row", "tag_ids", "read_user_source"):
                json.loads(row.get(column) or "null")
            assert (row["row_errors"] is None) == (row["raw_row"] is None)


def test_spans_cover_every_day_once() -> None:
    chance = random.Random(3)
    for _ in range(200):
        wanted = {date(2026, 1, 1) + timedelta(days=chance.randrange(60)) for _ in range(chance.randrange(40))}
        longest = chance.randrange(1, 9)
        spans = list(parse.spans(wanted, longest))
        covered = [begin + timedelta(days=n) for begin, end in spans for n in range((end - begin).days + 1)]
        assert covered == sorted(wanted)
        assert all((end - begin).days < longest for begin, end in spans)
        # no more calls than needed: two that follow each other would not fit into one
        assert all(
            (end - begin).days >= longest for (begin, one), (two, end) in pairwise(spans) if (two - one).days == 1
        )
        for begin, end in spans:
            if begin < end:
                (one, middle), (next_one, two) = parse.halves(begin, end)
                assert (one, two) == (begin, end) and next_one - middle == timedelta(days=1) and one <= middle < two


# the stand-in itself is strict


@pytest.fixture(scope="module")
def strict() -> Iterator[tuple[WeChatStandin, str]]:
    """A stand-in and a token that it accepts."""
    with server() as wechat:
        who = {"grant_type": "client_credential", "appid": wechat.appid, "secret": wechat.secret}
        answer = httpx.post(wechat.base_url + standin.STABLE_TOKEN, json=who, trust_env=False)
        yield wechat, answer.json()["access_token"]


@pytest.mark.parametrize(
    ("method", "path", "parameters", "body", "errcode"),
    [
        ("GET", standin.STABLE_TOKEN, {}, None, 43002),
        ("POST", standin.STABLE_TOKEN, {}, {"grant_type": "x"}, 40002),
        ("POST", standin.STABLE_TOKEN, {}, {"grant_type": "client_credential"}, 41002),
        ("POST", standin.STABLE_TOKEN, {}, {"grant_type": "client_credential", "appid": "wx"}, 40013),
        ("GET", standin.CLASSIC_TOKEN, {"grant_type": "client_credential", "appid": WeChatStandin.appid}, None, 41004),
        ("POST", standin.USER_GET, {"access_token": "T"}, {}, 43001),
        ("GET", standin.USER_GET, {}, None, 41001),
        ("GET", standin.USER_GET, {"access_token": "wrong"}, None, 40001),
        ("GET", standin.USER_GET, {"access_token": "T", "next_openid": "nobody"}, None, 40003),
        ("POST", standin.USER_INFO_BATCH, {"access_token": "T"}, None, 44002),
        ("POST", standin.USER_INFO_BATCH, {"access_token": "T"}, {"user_list": [{"openid": "o"}] * 101}, 40032),
        ("POST", standin.USER_INFO_BATCH, {"access_token": "T"}, {"user_list": [{"openid": "o"}]}, 40003),
        ("POST", standin.USER_SUMMARY, {"access_token": "T"}, {"begin_date": "20261101"}, 61500),
        (
            "POST",
            standin.USER_SUMMARY,
            {"access_token": "T"},
            {"begin_date": "2026-11-10", "end_date": "2026-11-17"},
            61501,
        ),
        (
            "POST",
            standin.USER_CUMULATE,
            {"access_token": "T"},
            {"begin_date": "2026-11-20", "end_date": "2026-11-21"},
            61501,
        ),
    ],
)
def test_the_stand_in_refuses_what_the_api_refuses(
    strict: tuple[WeChatStandin, str], method: str, path: str, parameters: dict[str, str], body: Any, errcode: int
) -> None:
    wechat, token = strict
    parameters = {key: token if value == "T" else value for key, value in parameters.items()}
    answer = httpx.request(method, wechat.base_url + path, params=parameters, json=body, trust_env=False)
    assert answer.status_code == 200 and answer.json()["errcode"] == errcode
