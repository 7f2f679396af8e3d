"""The hubspot connector against a strict stand-in of the API, and its parsing by itself."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.hubspot import extract, parse
from persona_warehouse.sources.load import load_stream, window_of
from persona_warehouse.sources.records import Recipe, typed
from tests.standins.hubspot import EPOCH, HubSpotStandin

CONFIG = {"connector": "hubspot", "connection": "hubspot_main", "backoff_seconds": 0.01}
OBJECTS = ("companies", "contacts", "deals", "deal_stage_history", "deal_contacts")

Tables = dict[str, pa.Table]


class Portal:
    """A home of its own; `read` runs the connector, `load` a whole load with its manifest."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        self._patch = patch

    def read(self, hubspot: HubSpotStandin, only: str | None = None, **options: Any) -> Tables:
        self._patch.setenv("AIRFLOW_CONN_HUBSPOT_MAIN", hubspot.connection_json())
        found = extract({**CONFIG, **options}, "crm", self.settings, window_of(self.settings))
        return {one.object: pa.concat_tables(list(one.batches())) for one in found if only in (None, one.object)}

    def commit(self, cursors: dict[str, datetime], load_id: str = "1") -> None:
        """A manifest that says how far former loads read, under today's settings."""
        settings = {one.object: one.cursor() for one in self.extracts()}
        kept = {f"hubspot/{k}": {**settings[k], "modified": at.isoformat()} for k, at in cursors.items()}
        store.write_manifest(self.settings, store.Manifest(load_id, "crm", "2026-11-20", ("", ""), "", cursors=kept))

    def extracts(self, window: Window | None = None) -> list[Any]:
        self._patch.setenv("AIRFLOW_CONN_HUBSPOT_MAIN", '{"password": "unused", "host": "http://127.0.0.1:9"}')
        return list(extract(CONFIG, "crm", self.settings, window or window_of(self.settings)))

    def load(self, hubspot: HubSpotStandin) -> dict[str, list[dict[str, Any]]]:
        """The rows that a load landed, by object."""
        self._patch.setenv("AIRFLOW_CONN_HUBSPOT_MAIN", hubspot.connection_json())
        self.settings.sources_file.parent.mkdir(parents=True, exist_ok=True)
        self.settings.sources_file.write_text(json.dumps({"sources": {"crm": [CONFIG]}}), encoding="utf-8")
        load_stream(self.settings, "crm")
        root = self.settings.landing / "crm"
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in OBJECTS}
        for file in store.manifests(self.settings, "crm")[-1].files:
            rows[file.object] += pq.read_table(root / file.path, partitioning=None).to_pylist()
        return rows

    def failure_of(self, hubspot: HubSpotStandin, only: str = "contacts", **options: Any) -> PersonaError:
        """The error that a run ends with; the token may not stand in it or in what caused it."""
        with pytest.raises(PersonaError) as caught:
            self.read(hubspot, only, **options)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert hubspot.token not in told
        return caught.value


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Portal:
    return Portal(tmp_path, monkeypatch)


def filled(**options: Any) -> HubSpotStandin:
    hubspot = HubSpotStandin(**options)
    hubspot.fill()
    return hubspot


def by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def rows_of(tables: Tables) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in tables.items()}


def latest(loads: list[dict[str, list[dict[str, Any]]]], name: str, key: tuple[str, ...]) -> dict[Any, Any]:
    """The newest version of every key, as staging keeps it, without provenance."""
    kept: dict[Any, Any] = {}
    aside = ("source_file", "source_row", "_dlt_load_id", "_dlt_id")
    for rows in loads:
        for row in rows[name]:
            known = kept.get(tuple(row[k] for k in key))
            if known is None or (row.get("updated_at") or EPOCH) >= (known.get("updated_at") or EPOCH):
                kept[tuple(row[k] for k in key)] = {k: v for k, v in row.items() if k not in aside}
    return kept


ALL_FAULTS = {
    "rate_limit_once": True,
    "status_once": 502,
    "cut_body_once": True,
    "wrong_type_once": True,
    "repeat_page": True,
    "move_record": True,
    "associations_shown": 1,
}


def test_the_whole_portal_lands(portal: Portal) -> None:
    objects = {"companies": {"properties": ["region_code"]}}
    with filled() as hubspot:
        found = portal.read(hubspot, objects=objects)
    for name, table in found.items():
        assert table.schema.equals(landing_schema("crm", name))
        assert table["row_errors"].null_count == table.num_rows
        assert table["source_row"].to_pylist() == list(range(1, table.num_rows + 1))
    companies = by(found["companies"].to_pylist(), "company_id")
    assert len(companies) == 110
    assert companies["5"]["name"] == "海河科技5"
    assert (companies["5"]["employee_count"], str(companies["5"]["annual_revenue"])) == (50, "5000000.500000")
    assert json.loads(companies["5"]["properties"]) == {"region_code": "R2"}
    assert (companies["5"]["is_deleted"], companies["5"]["created_at"]) == (False, EPOCH + timedelta(minutes=5))
    assert (companies["7"]["is_deleted"], companies["7"]["merged_into_id"]) == (True, None)
    assert companies["7"]["updated_at"] == EPOCH + timedelta(days=4)
    assert (companies["4"]["is_deleted"], companies["4"]["merged_into_id"]) == (True, "3")
    contacts = by(found["contacts"].to_pylist(), "contact_id")
    assert len(contacts) == 250
    assert (contacts["6"]["full_name"], contacts["6"]["company_id"]) == ("张三", "7")
    assert contacts["5"]["company_id"] is None
    deals = by(found["deals"].to_pylist(), "deal_id")
    assert (deals["9"]["stage"], deals["9"]["is_closed"], deals["9"]["company_id"]) == ("closedwon", True, "10")
    assert json.loads(deals["4"]["properties"]) == {"merged_into_id": "3"}
    stages = Counter(row["stage"] for row in found["deal_stage_history"].to_pylist())
    # deals 4 (merged away) and 7 (archived) are gone
    assert stages == {"appointmentscheduled": 128, "closedwon": 43}
    roles = {(row["deal_id"], row["contact_id"]): row["role"] for row in found["deal_contacts"].to_pylist()}
    assert len(roles) == 129 and roles["1", "2"] == "decision_maker" and roles["1", "1"] is None


def test_with_every_fault_the_same_lands(portal: Portal) -> None:
    with filled() as hubspot:
        quiet = portal.read(hubspot)
    with filled(**ALL_FAULTS) as hubspot:
        assert portal.read(hubspot) == quiet
        assert hubspot.calls["/crm/v3/objects/deals/1/associations/contacts"] > 0


def test_with_every_fault_the_same_changes_land(portal: Portal) -> None:
    since = dict.fromkeys(OBJECTS, EPOCH + timedelta(minutes=60))
    portal.commit(since)
    with filled() as hubspot:
        quiet = portal.read(hubspot)
        assert {name: table.num_rows for name, table in quiet.items()} == {
            "companies": 110, "contacts": 250, "deals": 130, "deal_stage_history": 171, "deal_contacts": 129,
        }  # fmt: skip
    with filled(**ALL_FAULTS) as hubspot:
        assert portal.read(hubspot) == quiet


def test_a_later_load_takes_what_changed_and_a_rerun_adds_nothing(portal: Portal) -> None:
    with filled() as hubspot:
        first = portal.load(hubspot)
        assert len(first["contacts"]) == 250
        cursor = store.last_cursor(portal.settings, "crm", "hubspot/contacts")
        assert cursor and cursor["modified"] == (EPOCH + timedelta(days=3)).isoformat()
        at = EPOCH + timedelta(days=10)
        hubspot.change("contacts", 10, at, jobtitle="采购总监")
        hubspot.change("deals", 10, at, dealstage="closedlost", amount="x")
        hubspot.archive("companies", 20, at)
        # the cursor of the load's manifest is all that a later read knows of it
        second = rows_of(portal.read(hubspot))
        # contact 3, which took up 4, stands on the overlap; 7 was archived behind it
        assert sorted(row["contact_id"] for row in second["contacts"]) == ["10", "3", "4", "7"]
        assert by(second["contacts"], "contact_id")["10"]["job_title"] == "采购总监"
        assert by(second["companies"], "company_id")["20"]["is_deleted"] is True
        assert len(second["companies"]) == 4
        (error,) = json.loads(by(second["deals"], "deal_id")["10"]["row_errors"])
        assert (error["field"], error["rule"], error["found"]) == ("amount", "not_decimal", "x")
        assert [row["stage"] for row in second["deal_stage_history"] if row["deal_id"] == "10"] == [
            "appointmentscheduled", "closedlost",
        ]  # fmt: skip
        third = rows_of(portal.read(hubspot))
    assert third["contacts"]
    keys = {"companies": ("company_id",), "contacts": ("contact_id",), "deal_contacts": ("deal_id", "contact_id")}
    for name, key in keys.items():
        assert latest([first, second, third], name, key) == latest([first, second], name, key)


def test_twelve_thousand_changes_at_one_moment_get_past_the_cap(portal: Portal) -> None:
    at = EPOCH + timedelta(days=5)
    portal.commit({"contacts": at})
    with HubSpotStandin() as hubspot:
        for number in range(1, 12_001):
            hubspot.add("contacts", number, at, email=f"p{number}@c.example")
        found = portal.read(hubspot, "contacts")["contacts"]
        assert hubspot.calls["/crm/v3/objects/contacts/search"] == 60
        assert all("after" not in body for body in hubspot.searched)
    assert sorted(map(int, found["contact_id"].to_pylist())) == list(range(1, 12_001))


def test_a_backfill_reads_its_window_and_leaves_the_cursor(portal: Portal) -> None:
    portal.commit(dict.fromkeys(OBJECTS, EPOCH + timedelta(days=30)))
    (contacts,) = [one for one in portal.extracts() if one.object == "contacts"]
    assert contacts.cursor()["modified"] == (EPOCH + timedelta(days=30)).isoformat()
    inside = window_of(portal.settings)
    with HubSpotStandin() as hubspot:
        for number, at in enumerate((inside.start - timedelta(seconds=1), inside.start, inside.end), 1):
            hubspot.add("contacts", number, at, email=f"p{number}@c.example")
        assert portal.read(hubspot, "contacts")["contacts"]["contact_id"].to_pylist() == ["2"]


@pytest.mark.parametrize(
    "spec", [{"properties": ["region_cod"]}, {"columns": {"city": "city_name | region_cod"}}], ids=["kept", "mapped"]
)
def test_a_property_that_vanished_is_told_with_its_nearest_names(portal: Portal, spec: dict[str, Any]) -> None:
    with filled() as hubspot:
        hubspot.declared["companies"] = {"city_name"}
        error = portal.failure_of(hubspot, "companies", objects={"companies": spec})
        assert isinstance(error, ConfigError)
        assert (error.source, error.object, error.field) == ("crm/hubspot", "companies", "region_cod")
        assert "(nearest: region_code" in str(error.found)
        # whoever may not ask for names is not stopped
        hubspot._scopes = {f"crm.objects.{name}.read" for name in ("companies", "contacts", "deals")}
        assert portal.read(hubspot, "companies", objects={"companies": spec})["companies"].num_rows == 110


def test_force_reads_the_whole_portal_whatever_was_read_before(portal: Portal) -> None:
    portal.commit(dict.fromkeys(OBJECTS, EPOCH + timedelta(days=30)))
    with filled() as hubspot:
        assert len(portal.read(hubspot, "deals")["deals"]) == 0
        portal.settings = replace(portal.settings, force=True)
        assert {name: table.num_rows for name, table in portal.read(hubspot).items()} == {
            "companies": 110, "contacts": 250, "deals": 130, "deal_stage_history": 171, "deal_contacts": 129,
        }  # fmt: skip


def test_the_cursor_never_passes_the_start_of_reading(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubSpotStandin() as hubspot:
        hubspot.add("companies", 1, hubspot.now + timedelta(days=400), name="未来")
        monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_MAIN", hubspot.connection_json())
        one = next(iter(extract(CONFIG, "crm", portal.settings, window_of(portal.settings))))
        list(one.batches())
        assert one.cursor and one.cursor()["modified"] == hubspot.now.isoformat()


def test_long_lists_of_properties_are_read_in_batches(portal: Portal) -> None:
    extra = [f"custom_property_number_{number:04d}" for number in range(150)]
    with filled() as hubspot:
        hubspot.declared["companies"] = set(extra)
        hubspot.change("companies", 1, EPOCH, **{extra[7]: "高"})
        found = portal.read(hubspot, "companies", objects={"companies": {"properties": extra}})["companies"]
        assert hubspot.calls["/crm/v3/objects/companies/batch/read"] == 3
    assert found.num_rows == 110
    assert json.loads(by(found.to_pylist(), "company_id")["1"]["properties"]) == {extra[7]: "高"}


# what ends a run


def test_a_refused_token_and_a_missing_scope_need_a_person(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubSpotStandin(scopes=["crm.objects.companies.read"]) as hubspot:
        error = portal.failure_of(hubspot)
        assert isinstance(error, ConfigError) and error.field == "crm.objects.contacts.read"
        assert sum(hubspot.calls.values()) == 1
        wrong = {**json.loads(hubspot.connection_json()), "password": "pat-other"}
        monkeypatch.setattr(hubspot, "connection_json", lambda: json.dumps(wrong))
        error = portal.failure_of(hubspot)
        assert isinstance(error, ConfigError) and "HTTP 401" in str(error) and "pat-other" not in str(error)


@pytest.mark.parametrize(
    ("options", "said", "calls"),
    [
        ({"login_page": True}, 'text/html; charset=utf-8, beginning "Sign in', 1),
        ({"daily_limit": True}, "policy DAILY", 1),
        ({"rate_limit_once": True, "retry_after": "3600"}, "Retry-After of 3600 seconds", 2),
    ],
)
def test_what_waiting_does_not_mend_is_told_at_once(
    portal: Portal, options: dict[str, Any], said: str, calls: int
) -> None:
    with filled(**options) as hubspot:
        error = portal.failure_of(hubspot)
        assert isinstance(error, SourceFault) and said in str(error)
        assert hubspot.calls["/crm/v3/objects/contacts"] == calls


def test_a_limit_without_retry_after_rests_and_goes_on(portal: Portal) -> None:
    with filled(rate_limit_once=True, retry_after=None) as hubspot:
        assert portal.read(hubspot, "companies")["companies"].num_rows == 110


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"conection": "x"}, "conection"),
        ({"connection": ["x"]}, "connection"),
        ({"page_size": 101}, "page_size"),
        ({"overlap_minutes": "1h"}, "overlap_minutes"),
        ({"base_url": "https://user:pw@api.example"}, "base_url"),
        ({"objects": {"tickets": {}}}, "tickets"),
        ({"objects": {"deals": {"properties": "all"}}}, "properties"),
        ({"objects": {"deals": {"columns": {"amont": "amount"}}}}, "amont"),
        ({"objects": {"deals": {"columns": {"amount": "a | b + c"}}}}, "columns"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(portal: Portal, options: dict[str, Any], field: str) -> None:
    with HubSpotStandin() as hubspot:
        error = portal.failure_of(hubspot, **options)
        assert isinstance(error, ConfigError) and error.field == field
        assert not hubspot.calls


# parsing by itself


def test_columns_of_the_sources_file_win_over_the_standard_ones(portal: Portal) -> None:
    objects = {"companies": {"columns": {"province": "region_code", "city": None}, "constants": {"country": "CN"}}}
    with filled() as hubspot:
        found = portal.read(hubspot, "companies", objects=objects)["companies"].to_pylist()
    assert (found[0]["province"], found[0]["country"], found[0]["properties"]) == ("R1", "CN", None)


@pytest.mark.parametrize("record", [None, 7, "x", [], {}, {"id": "a"}, {"id": "1"}, {"id": 1, "properties": []}])
def test_what_is_no_record_lands_as_a_row_in_error(record: Any) -> None:
    recipes = {"name": Recipe(("name",))}
    rows = list(parse.record_rows(record, "company_id", recipes, None, merges_into_column=True))
    from persona_warehouse.landing.mapping import Mapping

    (table,) = typed("crm", "companies", Mapping({}), "any", [rows])
    (row,) = table.to_pylist()
    (error,) = json.loads(row["row_errors"])
    assert error["rule"] == "not_record" and json.loads(row["raw_row"]) == record


def test_names_and_associations() -> None:
    name = Recipe.parse("firstname + lastname")
    assert name.value({"firstname": "Ada", "lastname": "Byron"}) == "Ada Byron"
    assert name.value({"firstname": "三", "lastname": "张"}) == "张三"
    assert name.value({"firstname": "", "lastname": None}) is None
    assert Recipe.parse("a | b").value({"a": " ", "b": "2"}) == "2"
    entries = [
        {"id": "1", "type": "contact_to_company_unlabeled"},
        {"id": "2", "type": "contact_to_company_unlabeled"},
        {"id": "2", "type": "contact_to_company"},
    ]
    found = parse.associations_of(entries)
    assert [one.id for one in found] == ["1", "2"] and parse.main_company(found) == "2"
    assert parse.main_company(found[:1]) == "1" and parse.main_company([]) is None


# the stand-in itself is strict


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/crm/v3/objects/contacts?limit=101", None, 400),
        ("GET", "/crm/v3/objects/deals?limit=51&propertiesWithHistory=dealstage", None, 400),
        ("GET", "/crm/v3/objects/contacts?fields=email", None, 400),
        ("GET", "/crm/v3/objects/nothing", None, 404),
        ("POST", "/crm/v3/objects/contacts/search", {"filterGroups": [], "limit": 201}, 400),
        ("POST", "/crm/v3/objects/contacts/search", {"filterGroups": [], "limit": 200, "after": "9900"}, 400),
        ("GET", "/crm/v3/objects/contacts?limit=100", None, 200),
    ],
)
def test_the_stand_in_refuses_what_the_api_refuses(method: str, path: str, body: Any, status: int) -> None:
    with HubSpotStandin() as hubspot:
        hubspot.add("contacts", 1, datetime(2026, 11, 1, tzinfo=UTC), email="a@c.example", jobtitle="CTO")
        headers = {"Authorization": f"Bearer {hubspot.token}"}
        call: Callable[..., httpx.Response] = httpx.Client(trust_env=False).request
        answer = call(method, hubspot.base_url + path, json=body, headers=headers)
        assert answer.status_code == status
        assert call(method, hubspot.base_url + path, json=body).status_code == 401
        if status == 200:
            assert "jobtitle" not in answer.json()["results"][0]["properties"]
