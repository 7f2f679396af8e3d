"""The matomo connector against its stand-in."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Extract
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream, window_of
from persona_warehouse.sources.matomo import extract, parse
from tests.standins.matomo import MatomoStandin

CONFIG = {
    "connector": "matomo", "connection": "matomo_main", "sites": [1, 2], "history_days": 6, "page_size": 20,
    "backoff_seconds": 0,
}  # fmt: skip
Rows = list[dict[str, Any]]
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)


class Site:
    """A home that a Matomo is read into."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch

    def settings(self, night: date = date(2026, 11, 20)) -> Settings:
        return Settings(self.folder / "home", self.folder / "sources.yml", night, "Asia/Shanghai", 7)

    def extract(self, matomo: MatomoStandin, night: date = date(2026, 11, 20), **options: Any) -> Extract:
        self._patch.setenv("AIRFLOW_CONN_MATOMO_MAIN", matomo.connection_json())
        [one] = extract({**CONFIG, **options}, "website", self.settings(night), window_of(self.settings(night)))
        return one

    def read(self, matomo: MatomoStandin, night: date = date(2026, 11, 20), **options: Any) -> Rows:
        table = pa.concat_tables(list(self.extract(matomo, night, **options).batches()))
        assert table.schema == landing_schema("website", "events")
        return [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()]

    def load(self, matomo: MatomoStandin, night: date = date(2026, 11, 20), **options: Any) -> Rows:
        """The rows that a night landed."""
        self._patch.setenv("AIRFLOW_CONN_MATOMO_MAIN", matomo.connection_json())
        self.settings().sources_file.write_text(json.dumps({"sources": {"website": [{**CONFIG, **options}]}}))
        load_stream(self.settings(night), "website")
        root = self.settings().landing / "website"
        files = store.manifests(self.settings(), "website")[-1].files
        return [row for file in files for row in pq.read_table(root / file.path, partitioning=None).to_pylist()]

    def cursor(self) -> dict[str, str]:
        last = store.last_cursor(self.settings(), "website", "matomo/events")
        return {site: one["modified"] for site, one in last["sites"].items()} if last else {}

    def failure_of(self, matomo: MatomoStandin, **options: Any) -> PersonaError:
        """The error that a run ends with; the token may not stand in it or in what caused it."""
        with pytest.raises(PersonaError) as caught:
            self.read(matomo, **options)
        assert matomo.token not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        return caught.value


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def filled(**options: Any) -> MatomoStandin:
    matomo = MatomoStandin(**options)
    matomo.fill()
    return matomo


def content(rows: Rows) -> Rows:
    """What landed, whatever its order."""
    return sorted(({k: v for k, v in row.items() if k != "source_row"} for row in rows), key=lambda r: r["event_id"])


def test_actions_of_a_visit_are_events(site: Site) -> None:
    with MatomoStandin() as matomo:
        matomo.visit(
            "1", 7, AT, "/价格?a=1", "/demo", userId="u-7", referrerType="search", referrerUrl="https://www.baidu.com/",
            referrerName="Baidu", dimension1="oA1",
        )  # fmt: skip
        matomo.act(
            "1", 7, AT + timedelta(seconds=30), "event", eventCategory="form", eventAction="form_submit", eventValue=3
        )
        matomo.act("1", 7, AT + timedelta(seconds=40), "goal", goalId="3", goalName="lead")
        matomo.act("1", 7, AT + timedelta(seconds=50), "search", siteSearchKeyword="mes")
        matomo.act("1", 7, AT + timedelta(seconds=60), "ecommerceOrder", orderId="A-9", revenue=12)
        first, second, event, goal, search, order = site.read(matomo, columns={"openid": "dimension1"})
        assert [call for call in matomo.seen if matomo.token in call or not call.startswith("POST ")] == []
    shared = {"idSite": "1", "visitorType": "new", "browserName": "Chrome", "referrerType": "search",
              "referrerName": "Baidu"}  # fmt: skip
    assert json.loads(first.pop("properties")) == {
        **shared, "type": "action", "pageId": "1", "idpageview": "p", "pageviewPosition": "1",
    }  # fmt: skip
    assert first == {
        "event_id": "1-7-1", "anonymous_id": "v000000000000007", "user_id": "u-7", "session_id": "7", "occurred_at": AT,
        "received_at": AT, "event_name": "page_view", "page_url": "https://www.example.com/价格?a=1",
        "referrer_url": "https://www.baidu.com/", "ip_address": "198.51.100.7", "openid": "oA1",
        "source_file": "Live.getLastVisitsDetails", "source_row": 1,
    }  # fmt: skip
    assert (second["event_id"], second["occurred_at"]) == ("1-7-2", AT + timedelta(seconds=10))
    assert "referrer_url" not in second
    assert (event["event_id"], event["event_name"]) == ("1-7-3", "form_submit")
    told = {key: value for key, value in json.loads(event["properties"]).items() if key.startswith("event")}
    assert told == {"eventCategory": "form", "eventValue": 3}
    stamp = int(AT.timestamp())
    assert (goal["event_id"], goal["event_name"]) == (f"1-7-goal-3-{stamp + 40}", "goal")
    assert (search["event_name"], order["event_id"]) == ("site_search", "1-7-order-A-9")


def test_hidden_visitors_and_campaigns(site: Site) -> None:
    with MatomoStandin() as matomo:
        campaign = {"referrerType": "campaign", "referrerName": "spring", "referrerKeyword": "mes"}
        matomo.visit("1", 7, AT, "/", "/a", visitorId=False, visitIp=None, **campaign)
        matomo.visit(
            "1",
            8,
            AT + timedelta(hours=1),
            "/",
            visitorId=False,
            userId="u1",
            **campaign,
            campaignMedium="cpc",
            campaignName="x",
        )
        first, second, third = site.read(matomo)
    assert (first["anonymous_id"], third["anonymous_id"]) == ("visit:1-7", "user:u1")
    marks = ("utm_source", "utm_medium", "utm_campaign", "utm_term")
    assert [first.get(mark) for mark in marks] == [None, "campaign", "spring", "mes"]
    assert [second.get(mark) for mark in marks] == [None] * 4
    assert [third.get(mark) for mark in marks] == [None, "cpc", "x", "mes"]


ALL_FAULTS = {
    "rate_limit_once": True, "status_once": 502, "busy_once": True, "cut_body_once": True, "wrong_type_once": True,
    "repeat_page": True,
}  # fmt: skip


def test_with_every_fault_the_same_lands(site: Site) -> None:
    with filled() as matomo:
        quiet = site.read(matomo)
    assert len(quiet) == len({row["event_id"] for row in quiet}) == 2 * 230 + 2 * 76 + 25 + 40
    assert [row["source_row"] for row in quiet] == list(range(1, len(quiet) + 1))
    assert {row["session_id"] for row in quiet} == {*map(str, range(1, 231)), *map(str, range(1000, 1025)),
                                                    *map(str, range(2000, 2040))}  # fmt: skip
    with filled(**ALL_FAULTS) as matomo:
        assert content(site.read(matomo)) == content(quiet)


@pytest.mark.parametrize("page_size", [1, 7, 25, 26, 1000])
def test_pages_of_any_size_bring_the_same(site: Site, page_size: int) -> None:
    with MatomoStandin() as matomo:
        for number in range(25):
            matomo.visit("1", number, AT, "/launch")
        matomo.visit("1", 30, AT + timedelta(seconds=1), "/")
        found = site.read(matomo, page_size=page_size, sites=1, history_days=1)
    assert sorted(int(row["session_id"]) for row in found) == [*range(25), 30]


def test_a_visit_that_goes_on_while_it_is_read_is_met_again(site: Site) -> None:
    with filled(grow=("1", 1)) as matomo:
        found = site.read(matomo, sites=[1])
    events = [row for row in found if row["session_id"] == "1"]
    assert [row["page_url"].rpartition("/")[2] for row in events] == ["", "pricing", "later"]
    assert len(found) == len({row["event_id"] for row in found}) == 2 * 230 + 2 * 76 + 25 + 1


def test_a_later_load_takes_what_was_active_since_and_adds_nothing_twice(site: Site) -> None:
    with MatomoStandin() as matomo:
        matomo.visit("1", 1, AT - timedelta(hours=5), "/old")
        matomo.visit("1", 2, AT, "/", "/pricing")
        matomo.visit("2", 3, AT, "/en")
        first = site.load(matomo)
        assert sorted(row["event_id"] for row in first) == ["1-1-1", "1-2-2", "1-2-3", "2-3-4"]
        assert site.cursor() == {"1": (AT + timedelta(seconds=10)).isoformat(), "2": AT.isoformat()}
        # the visit goes on, another one begins, one of site 2 was written late
        matomo.act("1", 2, AT + timedelta(minutes=20), url="https://www.example.com/demo")
        matomo.visit("1", 4, AT + timedelta(hours=20), "/next")
        matomo.visit("2", 5, AT - timedelta(hours=1), "/late")
        second = site.load(matomo, date(2026, 11, 21))
        assert sorted(row["event_id"] for row in second) == ["1-2-2", "1-2-3", "1-2-5", "1-4-6", "2-3-4", "2-5-7"]
        known = {row["event_id"]: row["page_url"] for row in first}
        assert all(known.get(row["event_id"], row["page_url"]) == row["page_url"] for row in second)
        third = site.load(matomo, date(2026, 11, 21))
        assert {row["event_id"] for row in third} < {row["event_id"] for row in second}


def test_a_backfill_reads_its_night_and_leaves_the_cursor(site: Site) -> None:
    with MatomoStandin(now=datetime(2026, 11, 25, tzinfo=UTC)) as matomo:
        night = window_of(site.settings(date(2026, 11, 18)))
        second = timedelta(seconds=1)
        moments = (night.start - second, night.start, night.end - second, night.end, night.end + timedelta(days=1))
        for number, at in enumerate(moments, 1):
            matomo.visit("1", number, at, "/")
        site.load(matomo, sites=[1])
        kept = site.cursor()
        found = site.load(matomo, date(2026, 11, 18), sites=[1])
        assert [row["session_id"] for row in found] == ["2", "3"]
        assert site.cursor() == kept == {"1": moments[-1].isoformat()}


def test_a_site_that_is_added_is_read_from_its_beginning(site: Site) -> None:
    with MatomoStandin() as matomo:
        matomo.visit("1", 1, AT, "/")
        matomo.visit("2", 2, AT - timedelta(days=4), "/en")
        assert len(site.load(matomo, sites=[1])) == 1
        assert sorted(row["session_id"] for row in site.load(matomo)) == ["1", "2"]


def test_changed_columns_read_everything_again(site: Site) -> None:
    with MatomoStandin() as matomo:
        matomo.visit("1", 1, AT - timedelta(days=4), "/", dimension2="li@example.com")
        matomo.visit("1", 2, AT, "/")
        assert len(site.load(matomo)) == 2
        assert [row["session_id"] for row in site.load(matomo)] == ["2"]
        again = site.load(matomo, columns={"email": "dimension2"})
        assert {row["session_id"]: row["email"] for row in again} == {"1": "li@example.com", "2": None}


def test_the_cursor_never_passes_the_start_of_reading(site: Site) -> None:
    with MatomoStandin(now=AT + timedelta(hours=1)) as matomo:
        matomo.visit("1", 1, AT + timedelta(hours=6), "/")
        one = site.extract(matomo)
        assert sum(batch.num_rows for batch in one.batches()) == 1
        assert one.cursor and {site: kept["modified"] for site, kept in one.cursor()["sites"].items()} == {
            "1": (AT + timedelta(hours=1)).isoformat(), "2": None,
        }  # fmt: skip


# what ends a run


@pytest.mark.parametrize(
    ("standin", "connection", "field", "words"),
    [
        ({}, {"password": "f" * 32}, "password", "the token is refused"),
        ({"denied": ("2",)}, {}, "sites", "no access to website 2"),
        ({"sites": {"1": "UTC"}}, {}, "sites", "there is no website 2"),
        ({"log_disabled": True}, {}, "sites", "visits log is turned off"),
    ],
)
def test_what_a_person_must_mend_is_told_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, standin: Any, connection: Any, field: str, words: str
) -> None:
    with MatomoStandin(**standin) as matomo:
        made = matomo.connection_json(**connection)
        monkeypatch.setattr(matomo, "connection_json", lambda: made)
        error = site.failure_of(matomo, sites=[2])
        assert isinstance(error, ConfigError) and error.field == field and words in str(error)
        assert "f" * 32 not in str(error) and max(matomo.calls.values()) == 1


@pytest.mark.parametrize(
    ("standin", "words"),
    [
        ({"login_page": True}, 'text/html; charset=utf-8, beginning "Sign in'),
        ({"unsorted": True}, "out of order"),
    ],
)
def test_what_waiting_does_not_mend_is_a_fault(site: Site, standin: Any, words: str) -> None:
    with filled(**standin) as matomo:
        error = site.failure_of(matomo)
    assert isinstance(error, SourceFault) and words in str(error)


def test_a_database_that_stays_busy_ends_the_run_with_what_it_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with MatomoStandin() as matomo:
        monkeypatch.setattr(matomo, "_fault", lambda: "busy")
        error = site.failure_of(matomo, max_retries=2)
    assert isinstance(error, SourceFault) and "Deadlock found" in str(error) and "3 attempts" in str(error)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"conection": "x"}, "conection"),
        ({"connection": ["x"]}, "connection"),
        ({"sites": None}, "sites"),
        ({"sites": ["all"]}, "sites"),
        ({"sites": []}, "sites"),
        ({"page_size": 0}, "page_size"),
        ({"history_days": "a year"}, "history_days"),
        ({"base_url": "https://a.example/index.php?token_auth=x"}, "base_url"),
        ({"columns": {"emial": "dimension1"}}, "emial"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(site: Site, options: dict[str, Any], field: str) -> None:
    with MatomoStandin() as matomo:
        error = site.failure_of(matomo, **options)
        assert isinstance(error, ConfigError) and error.field == field
        assert not matomo.calls


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"visits": []}, "(the answer)"),
        ([1], "(a visit)"),
        ([{"idVisit": "x"}], "idVisit"),
        ([{"idVisit": 1, "lastActionTimestamp": None}], "lastActionTimestamp"),
        ([{"idVisit": 1, "lastActionTimestamp": 2, "actionDetails": False}], "actionDetails"),
    ],
)
def test_answers_of_another_shape_name_the_field(answer: Any, field: str) -> None:
    with pytest.raises(parse.UnexpectedShape) as caught:
        parse.visits_of(answer)
    assert caught.value.field == field


def test_an_action_keeps_its_id_whatever_follows() -> None:
    page = {"type": "action", "timestamp": 5, "url": "https://a.example/", "pageviewPosition": "1"}
    assert parse.action_id({**page, "pageId": "9"}) == "9"
    grown = {**page, "timeSpent": "30", "timeSpentPretty": "30s"}
    assert parse.action_id(page) == parse.action_id(grown) != parse.action_id({**page, "pageviewPosition": "2"})
