"""The salesforce connector against a strict stand-in of the API, and its parsing by itself."""

from __future__ import annotations

import csv
import json
import logging
import re
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
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
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream, window_of
from persona_warehouse.sources.plans import standard_mapping
from persona_warehouse.sources.records import Recipe, typed
from persona_warehouse.sources.salesforce import extract, parse
from persona_warehouse.sources.salesforce.client import Options, Query, SalesforceClient, Session
from tests.standins.salesforce import EPOCH, SalesforceStandin, iso, key_of

CONFIG = {"connector": "salesforce", "connection": "salesforce_main", "backoff_seconds": 0.001}
OBJECTS = tuple(standard_mapping("salesforce"))
ALL_FAULTS: dict[str, Any] = {
    "rate_limit_once": True, "status_once": 503, "cut_body_once": True, "wrong_type_once": True,
    "concurrent_limit_once": True, "expire_session": True, "lose_locator": 1, "repeat_page": 1,
    "move_record": "first",
}  # fmt: skip

Rows = dict[str, list[dict[str, Any]]]


class Org:
    """A home of its own; `read` runs the connector, `load` a whole load with its manifest."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        self._patch = patch

    def connect(self, salesforce: SalesforceStandin, value: str | None = None) -> None:
        self._patch.setenv("AIRFLOW_CONN_SALESFORCE_MAIN", value or salesforce.connection_json())

    def extracts(self, window: Window | None = None, **options: Any) -> list[Any]:
        return list(extract({**CONFIG, **options}, "crm", self.settings, window or window_of(self.settings)))

    def read(self, only: str | None = None, **options: Any) -> Rows:
        found: Rows = {}
        for one in self.extracts(**options):
            if only in (None, one.object):
                table = pa.concat_tables(list(one.batches()))
                assert table.schema.equals(landing_schema("crm", one.object))
                found[one.object] = table.to_pylist()
        return found

    def commit(self, at: datetime, only: str, load_id: str = "1") -> None:
        """A manifest that says how far a load under today's settings came."""
        (one,) = [one for one in self.extracts() if one.object == only]
        list(one.batches())
        kept = {f"salesforce/{only}": {**one.cursor(), "modified": at.isoformat()}}
        store.write_manifest(self.settings, store.Manifest(load_id, "crm", "2026-11-20", ("", ""), "", cursors=kept))

    def load(self, **options: Any) -> Rows:
        """The rows that a load landed, by object."""
        self.settings.sources_file.parent.mkdir(parents=True, exist_ok=True)
        entry = {**CONFIG, **options}
        self.settings.sources_file.write_text(json.dumps({"sources": {"crm": [entry]}}), encoding="utf-8")
        load_stream(self.settings, "crm")
        rows: Rows = {name: [] for name in OBJECTS}
        for file in store.manifests(self.settings, "crm")[-1].files:
            table = pq.read_table(self.settings.landing / "crm" / file.path, partitioning=None)
            rows[file.object] += table.to_pylist()
        return rows

    def failure_of(self, only: str = "companies", **options: Any) -> PersonaError:
        """The error that a run ends with; no secret may stand in it or in what caused it."""
        with pytest.raises(PersonaError) as caught:
            self.read(only, **options)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert SalesforceStandin.secret not in told and "00Dx!" not in told
        return caught.value


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Org:
    return Org(tmp_path, monkeypatch)


@pytest.fixture
def filled(org: Org) -> Iterator[Callable[..., SalesforceStandin]]:
    """Orgs with everything in them, seven records a page; `org` is connected to the last one."""
    opened: list[SalesforceStandin] = []

    def make(**options: Any) -> SalesforceStandin:
        salesforce = SalesforceStandin(**{"page_rows": 7, **options})
        salesforce.fill()
        opened.append(salesforce.__enter__())
        org.connect(salesforce)
        return salesforce

    yield make
    for salesforce in opened:
        salesforce.__exit__()


Filled = Callable[..., SalesforceStandin]


def by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_the_whole_org_lands(org: Org, filled: Filled) -> None:
    filled()
    found = org.read(objects={"companies": {"properties": ["Region__c", "Interests__c"]}, "deals": {"currency": "CNY"}})
    assert {name: len(rows) for name, rows in found.items()} == {
        "companies": 19, "contacts": 20, "leads": 20, "deals": 20, "deal_stage_history": 26, "deal_contacts": 20,
        "activities": 37, "tickets": 20, "campaigns": 20, "campaign_members": 20, "products": 20,
        "lifecycle_stage_history": 20,
    }  # fmt: skip
    assert not [row for rows in found.values() for row in rows if row["row_errors"]]

    companies = by(found["companies"], "company_id")
    five = companies[key_of("Account", 5)]
    assert (five["name"], five["employee_count"], str(five["annual_revenue"])) == ("海河科技5", 50, "5000002.500000")
    assert (five["currency"], five["created_at"]) == ("CNY", EPOCH + timedelta(minutes=5))
    assert json.loads(five["properties"]) == {"Type": "Customer", "Region__c": "R2", "Interests__c": "a;b"}
    merged = companies[key_of("Account", 6)]
    assert (merged["is_deleted"], merged["merged_into_id"]) == (True, key_of("Account", 5))
    assert merged["updated_at"] == EPOCH + timedelta(days=3)
    deleted = companies[key_of("Account", 7)]
    assert (deleted["is_deleted"], deleted["merged_into_id"]) == (True, None)

    # a person account is no company; its contact belongs to none
    assert key_of("Account", 9) not in companies
    contacts = by(found["contacts"], "contact_id")
    person = contacts[key_of("Contact", 9)]
    assert (person["full_name"], person["company_id"]) == ("张三", None)
    assert json.loads(person["properties"]) == {"PersonAccountId": key_of("Account", 9)}
    assert contacts[key_of("Contact", 8)]["company_id"] == key_of("Account", 8)

    leads = by(found["leads"], "lead_id")
    lead = leads[key_of("Lead", 8)]
    assert (lead["full_name"], lead["company_name"], lead["lead_status"]) == ("Ada Byron", "C8", "Open")
    assert lead["converted_contact_id"] == key_of("Contact", 8)
    assert json.loads(lead["properties"]) == {"IsConverted": True}

    deals = by(found["deals"], "deal_id")
    deal = deals[key_of("Opportunity", 6)]
    assert (deal["stage"], deal["is_won"], deal["is_closed"], deal["currency"]) == ("Closed Won", True, True, "CNY")
    # a day is a day of the business time zone
    assert deal["closed_at"] == datetime(2026, 12, 30, 16, tzinfo=UTC)
    assert json.loads(deal["properties"]) == {"ForecastCategory": "Pipeline"}
    # the change of the amount between them is no stage
    stages = [(r["stage"], r["entered_at"]) for r in found["deal_stage_history"] if r["deal_id"] == deal["deal_id"]]
    start = EPOCH + timedelta(minutes=6)
    assert stages == [("Qualification", start), ("Closed Won", start + timedelta(days=1))]
    assert found["deal_contacts"][0]["role"] == "Decision Maker" and found["deal_contacts"][0]["is_primary"] is True

    assert Counter(row["source_file"] for row in found["activities"]) == {"Task": 18, "Event": 19}
    activities = by(found["activities"], "activity_id")
    call, meeting = activities[key_of("Task", 4)], activities[key_of("Event", 4)]
    assert (call["activity_type"], call["direction"], str(call["minutes"])) == ("Call", "outbound", "1.500000")
    assert (call["contact_id"], call["deal_id"]) == (key_of("Contact", 4), key_of("Opportunity", 4))
    of_lead = activities[key_of("Task", 5)]
    assert of_lead["contact_id"] is None
    assert json.loads(of_lead["properties"]) == {"Status": "Completed", "WhoId.Lead": key_of("Lead", 5)}
    assert (meeting["activity_type"], str(meeting["minutes"])) == ("Meeting", "45.000000")
    assert (meeting["company_id"], meeting["deal_id"]) == (key_of("Account", 4), None)

    ticket = by(found["tickets"], "ticket_id")[key_of("Case", 2)]
    assert (ticket["category"], ticket["severity"]) == ("Problem", "High")
    assert ticket["closed_at"] - ticket["opened_at"] == timedelta(days=1)
    campaign = by(found["campaigns"], "campaign_id")[key_of("Campaign", 2)]
    assert (campaign["name"], campaign["campaign_type"], str(campaign["budget"])) == ("展会2", "Event", "1000.000000")
    member = by(found["campaign_members"], "campaign_member_id")[key_of("CampaignMember", 2)]
    assert (member["campaign_id"], member["status"]) == (campaign["campaign_id"], "Responded")
    product = by(found["products"], "product_id")[key_of("Product2", 2)]
    assert (product["name"], product["family"]) == ("产品2", "软件")
    status = found["lifecycle_stage_history"][1]
    assert (status["record_type"], status["record_id"], status["stage"]) == ("lead", key_of("Lead", 2), "Open")


def test_with_every_fault_the_same_lands(org: Org, filled: Filled) -> None:
    filled()
    quiet = org.read()
    salesforce = filled(page_rows=4, **ALL_FAULTS)
    assert org.read() == quiet
    # every fault came to every query of several pages
    for sobject in ("Account", "Task", "LeadHistory", "OpportunityHistory"):
        met = {fault for kind, fault in salesforce._done if kind in (sobject, f"queryAll {sobject}")}
        assert met == {"rate", "status", "cut", "type", "concurrent", "expired", "lost", "repeated", "moved"}


def test_a_record_that_changes_before_it_is_served_hides_no_other(org: Org, filled: Filled) -> None:
    filled(move_record="last", lose_locator=1)
    found = org.read("leads")["leads"]
    assert sorted(row["lead_id"] for row in found) == [key_of("Lead", n) for n in range(1, 21)]


def test_a_later_load_takes_what_changed_and_a_rerun_adds_nothing(org: Org, filled: Filled) -> None:
    salesforce = filled()
    first = org.load()
    assert len(first["companies"]) == 19
    cursor = store.last_cursor(org.settings, "crm", "salesforce/contacts")
    assert cursor and cursor["modified"] == (EPOCH + timedelta(days=4)).isoformat()
    at = EPOCH + timedelta(days=10)
    salesforce.change("Contact", 10, at, Title="总经理")
    salesforce.change("Opportunity", 10, at, StageName="Closed Lost", IsClosed=True, Amount="x")
    salesforce.delete("Account", 11, at)
    salesforce.add("Task", 30, at, TaskSubtype="Email", IsClosed=True, IsRecurrence=False, ActivityDate="2026-11-11")
    # the cursor of the load's manifest is all that a later read knows of it
    second = org.read()
    # contact 7, deleted at the cursor, stands on the overlap
    assert sorted(row["contact_id"] for row in second["contacts"]) == [key_of("Contact", 7), key_of("Contact", 10)]
    assert by(second["contacts"], "contact_id")[key_of("Contact", 10)]["job_title"] == "总经理"
    assert by(second["companies"], "company_id")[key_of("Account", 11)]["is_deleted"] is True
    (error,) = json.loads(by(second["deals"], "deal_id")[key_of("Opportunity", 10)]["row_errors"])
    assert (error["field"], error["rule"], error["found"]) == ("amount", "not_decimal", "x")
    # the history of a deal that changed is read whole: a stage is an entry only when another one went before it
    stages = [row["stage"] for row in second["deal_stage_history"] if row["deal_id"] == key_of("Opportunity", 10)]
    assert stages == ["Qualification", "Closed Lost"]
    (task,) = [row for row in second["activities"] if row["activity_id"] == key_of("Task", 30)]
    assert (task["activity_type"], task["occurred_at"]) == ("Email", datetime(2026, 11, 10, 16, tzinfo=UTC))
    assert org.read() == second


def test_a_backfill_reads_its_window_and_leaves_the_cursor(org: Org) -> None:
    inside = window_of(org.settings)
    with SalesforceStandin(now=inside.end + timedelta(days=90)) as salesforce:
        org.connect(salesforce)
        for number, at in enumerate((inside.start - timedelta(seconds=1), inside.start, inside.end), 1):
            salesforce.add("Lead", number, at, LastName="L")
        reached = inside.end + timedelta(days=30)
        org.commit(reached, "leads")
        (one,) = [one for one in org.extracts() if one.object == "leads"]
        rows = pa.concat_tables(list(one.batches())).to_pylist()
        assert [row["lead_id"] for row in rows] == [key_of("Lead", 2)]
        assert one.cursor()["modified"] == reached.isoformat()


def test_the_cursor_never_passes_the_start_of_reading(org: Org) -> None:
    with SalesforceStandin() as salesforce:
        org.connect(salesforce)
        salesforce.add("Account", 1, salesforce.now + timedelta(days=400), Name="未来")
        one = org.extracts()[0]
        list(one.batches())
        assert one.cursor()["modified"] == salesforce.now.isoformat()


def test_a_field_that_becomes_readable_is_read_for_all(org: Org) -> None:
    with SalesforceStandin() as salesforce:
        org.connect(salesforce)
        salesforce.add("Lead", 1, EPOCH, LastName="L")
        org.commit(EPOCH + timedelta(days=1), "leads")
        assert org.read("leads")["leads"] == []
        salesforce.describe("Lead", Rating="picklist")
        assert len(org.read("leads")["leads"]) == 1


# fields


def test_all_fields_are_read_though_they_do_not_go_into_one_request(org: Org, filled: Filled) -> None:
    # a record that changes between its first and its other fields would be told as it is then
    salesforce = filled(page_rows=12, **{**ALL_FAULTS, "move_record": None})
    names = [f"A_Custom_Field_With_A_Long_Name_Number_{number:04d}__c" for number in range(500)]
    salesforce.describe("Account", **dict.fromkeys(names, "string"))
    salesforce.change("Account", 1, EPOCH + timedelta(minutes=1), **{names[0]: "甲", names[499]: "乙"})
    found = by(org.read("companies", objects={"companies": {"properties": "all"}})["companies"], "company_id")
    assert len(found) == 19 and 10_000 < salesforce.longest <= 16_384
    assert json.loads(found[key_of("Account", 1)]["properties"]) == {
        "Type": "Customer", "Region__c": "R1", "Interests__c": "a;b", names[0]: "甲", names[499]: "乙",
    }  # fmt: skip
    # an address has its parts as fields
    assert not any("BillingAddress" in soql for soql in salesforce.queries)
    assert any("WHERE Id IN (" in soql for soql in salesforce.queries)


def test_what_people_write_about_people_is_asked_for_by_name_only(org: Org, filled: Filled) -> None:
    salesforce = filled()
    everything = org.read("activities", objects={"activities": {"properties": "all"}})["activities"]
    assert not any("Subject" in soql for soql in salesforce.queries)
    assert json.loads(everything[0]["properties"])["IsClosed"] is True
    named = org.read("activities", objects={"activities": {"properties": ["Subject"]}})["activities"]
    assert json.loads(named[0]["properties"])["Subject"] == "致电 p1@c.example"


def test_a_field_of_the_sources_file_that_does_not_exist_is_told(org: Org, filled: Filled) -> None:
    salesforce = filled()
    error = org.failure_of(objects={"companies": {"properties": ["Regionn__c"]}})
    assert isinstance(error, ConfigError) and error.field == "Regionn__c" and "(nearest: Region__c)" in str(error)
    error = org.failure_of("deals", objects={"deals": {"columns": {"closed_reason": "Loss_Reason__c"}}})
    assert isinstance(error, ConfigError) and error.field == "Loss_Reason__c"
    assert not salesforce.queries


def test_columns_of_the_sources_file_win_over_the_standard_ones(org: Org, filled: Filled) -> None:
    objects = {"companies": {"columns": {"province": "Region__c", "currency": None}, "constants": {"country": "CN"}}}
    filled()
    one = org.read("companies", objects=objects)["companies"][0]
    assert (one["province"], one["country"], one["currency"]) == ("R1", "CN", None)


def test_the_history_follows_the_field_that_tells_the_stage(org: Org, filled: Filled) -> None:
    salesforce = filled()
    salesforce.add("ContactHistory", 1, EPOCH, ContactId=key_of("Contact", 1), Field="Stage__c", NewValue="MQL")
    salesforce.describe("Contact", Stage__c="picklist")
    objects = {"contacts": {"columns": {"lifecycle_stage": "Stage__c"}}, "leads": {"columns": {"lead_status": None}}}
    (row,) = org.read("lifecycle_stage_history", objects=objects)["lifecycle_stage_history"]
    assert (row["record_type"], row["record_id"], row["stage"]) == ("contact", key_of("Contact", 1), "MQL")


# what a user may not read


def test_objects_that_may_not_be_read_are_passed_over_and_told(
    org: Org, filled: Filled, caplog: pytest.LogCaptureFixture
) -> None:
    filled(unreadable=["Lead", "Event", "Case"], unqueryable=["LeadHistory"])
    with caplog.at_level(logging.WARNING):
        found = org.read()
    assert {name for name, rows in found.items() if not rows} == {"leads", "tickets", "lifecycle_stage_history"}
    assert {row["source_file"] for row in found["activities"]} == {"Task"}
    told = {record.getMessage().split(" is not read")[0] for record in caplog.records}
    assert told == {"leads: Lead", "activities: Event", "tickets: Case", "lifecycle_stage_history: LeadHistory"}
    error = org.failure_of("tickets", objects={"tickets": {}})
    assert isinstance(error, ConfigError) and "the object Case cannot be read" in str(error)


def test_without_companies_there_is_no_load(org: Org, filled: Filled) -> None:
    filled(unreadable=["Account"])
    error = org.failure_of()
    assert isinstance(error, ConfigError) and error.object == "companies" and "api_version" in str(error)
    filled()
    error = org.failure_of(api_version=20)
    assert isinstance(error, ConfigError) and "the object Account cannot be read" in str(error)


# login and what ends a run


def test_a_token_that_was_made_elsewhere_does_until_it_is_over(org: Org, filled: Filled) -> None:
    salesforce = filled()
    org.connect(salesforce, salesforce.token_json())
    assert len(org.read("leads")["leads"]) == 20
    assert not salesforce.calls["token"]
    salesforce.tokens.clear()
    error = org.failure_of()
    assert isinstance(error, ConfigError) and "the token is refused" in str(error)


def test_a_wrong_secret_and_a_session_that_is_refused_need_a_person(org: Org, filled: Filled) -> None:
    salesforce = filled()
    org.connect(salesforce, salesforce.connection_json(password="another-secret"))
    error = org.failure_of()
    assert isinstance(error, ConfigError) and "invalid_client" in str(error) and "another-secret" not in str(error)
    assert salesforce.calls == {"token": 1}


def test_a_session_that_is_over_is_begun_again_once(org: Org, filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    salesforce = filled()
    companies, contacts = org.extracts()[:2]
    assert sum(batch.num_rows for batch in companies.batches()) == 19
    salesforce.tokens.clear()
    assert sum(batch.num_rows for batch in contacts.batches()) == 20
    assert salesforce.calls["token"] == 2
    monkeypatch.setattr(salesforce, "tokens", frozenset())
    monkeypatch.setattr(
        salesforce, "_log_in", lambda *_: {"access_token": "00Dx!x", "instance_url": salesforce.base_url}
    )
    error = org.failure_of()
    assert isinstance(error, ConfigError) and "INVALID_SESSION_ID, twice" in str(error)


@pytest.mark.parametrize("answer", [{"access_token": "00Dx!x", "instance_url": "http://org.example"}, {}, {"id": "x"}])
def test_a_login_that_leads_nowhere_safe_is_refused(
    org: Org, filled: Filled, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str]
) -> None:
    salesforce = filled()
    monkeypatch.setattr(salesforce, "_log_in", lambda *_: answer)
    error = org.failure_of()
    assert isinstance(error, SourceFault) and error.field == ("instance_url" if len(answer) > 1 else "access_token")


@pytest.mark.parametrize(
    ("options", "said", "kind", "calls"),
    [
        ({"login_page": True}, 'text/html; charset=utf-8, beginning "Log in to Salesforce', "login page", 1),
        ({"rate_limit_once": True, "retry_after": "3600"}, "Retry-After of 3600 seconds", "token", 1),
    ],
)
def test_what_waiting_does_not_mend_is_told_at_once(
    org: Org, filled: Filled, options: dict[str, Any], said: str, kind: str, calls: int
) -> None:
    salesforce = filled(**options)
    error = org.failure_of()
    assert isinstance(error, SourceFault) and said in str(error)
    assert salesforce.calls[kind] == calls


def test_a_query_that_breaks_off_at_one_place_ends_the_load(org: Org) -> None:
    with SalesforceStandin(page_rows=1, lose_locator=99) as salesforce:
        org.connect(salesforce)
        for number in (1, 2):
            # no place can be told among records that changed after reading began
            salesforce.add("Account", number, salesforce.now + timedelta(days=1), Name="未来")
        error = org.failure_of()
        assert isinstance(error, SourceFault) and "breaks off again and again" in str(error)
        assert salesforce.calls["page Account"] == 6


def test_a_page_that_is_served_again_and_again_ends_the_load(org: Org, filled: Filled) -> None:
    salesforce = filled(repeat_page=99)
    error = org.failure_of()
    assert isinstance(error, SourceFault) and error.field == "nextRecordsUrl"
    assert salesforce.calls["page Account"] == 2


def test_the_days_limit_ends_the_load_at_once(org: Org, filled: Filled) -> None:
    salesforce = filled(daily_limit=True)
    org.connect(salesforce, salesforce.token_json())
    error = org.failure_of()
    assert isinstance(error, SourceFault) and "TotalRequests Limit exceeded" in str(error)
    assert salesforce.calls == {"describe Account": 1}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"conection": "x"}, "conection"),
        ({"connection": None}, "connection"),
        ({"page_size": 100}, "page_size"),
        ({"api_version": "latest"}, "api_version"),
        ({"base_url": "https://user:pw@org.example"}, "base_url"),
        ({"objects": {"invoices": {}}}, "invoices"),
        ({"objects": {"deals": {"properties": "some"}}}, "properties"),
        ({"objects": {"deals": {"columns": {"amont": "Amount"}}}}, "amont"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(org: Org, options: dict[str, Any], field: str) -> None:
    with SalesforceStandin() as salesforce:
        org.connect(salesforce)
        error = org.failure_of(**options)
        assert isinstance(error, ConfigError) and error.field == field
        assert not salesforce.calls
        org.connect(salesforce, '{"password": "secret", "login": "key"}')
        error = org.failure_of()
        assert isinstance(error, ConfigError) and error.field == "base_url"


# by itself


def test_a_query_goes_on_behind_the_last_record() -> None:
    query = Query("Lead", ("Id", "SystemModstamp"), ("IsDeleted = false",), ("SystemModstamp", "Id"))
    started = EPOCH + timedelta(hours=1)
    records = [
        {"Id": key_of("Lead", 2), "SystemModstamp": iso(EPOCH)},
        {"Id": key_of("Lead", 1), "SystemModstamp": iso(started)},
        None,
    ]
    place = query.behind(records, started)
    assert place == ("2026-11-01T00:00:00.000Z", f"'{key_of('Lead', 2)}'")
    assert query.soql(place) == (
        "SELECT Id,SystemModstamp FROM Lead WHERE IsDeleted = false "
        "AND ((SystemModstamp > 2026-11-01T00:00:00.000Z) OR "
        f"(SystemModstamp = 2026-11-01T00:00:00.000Z AND Id > '{key_of('Lead', 2)}')) ORDER BY SystemModstamp,Id"
    )
    assert query.behind(records[1:], started) == ()


@pytest.mark.parametrize("record", [None, 7, "x", [], {}, {"Id": 1}, {"Id": "no id at all"}])
def test_what_is_no_record_lands_as_a_row_in_error(record: Any) -> None:
    row = parse.landing_row(record, "company_id", {"name": Recipe(("Name",))}, keeps_rest=True)
    (table,) = typed("crm", "companies", Mapping({}), "any", [[row]])
    (landed,) = table.to_pylist()
    (error,) = json.loads(landed["row_errors"])
    assert error["rule"] == "not_record" and json.loads(landed["raw_row"]) == record


@pytest.mark.parametrize("following", ["https://evil.example/services/data/v65.0/query/1", "//evil.example/", None, 7])
def test_the_token_goes_nowhere_else(following: Any) -> None:
    with pytest.raises(parse.UnexpectedShape):
        parse.page_of({"records": [], "done": False, "nextRecordsUrl": following})


def test_memory_does_not_grow_with_the_number_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    def peak_of(pages: int) -> int:
        def answer(_: Any, endpoint: str, path: str, soql: str | None = None, **_more: Any) -> dict[str, Any]:
            number = int(path.rpartition("-")[2]) if soql is None else 0
            rows = [{"Id": key_of("Lead", number * 500 + n), "Text": "x" * 2000 + str(n)} for n in range(500)]
            following = f"/services/data/v65.0/query/01g-{number + 1}"
            return {"records": rows, "done": number + 1 == pages, "nextRecordsUrl": following}

        monkeypatch.setattr(SalesforceClient, "_call", answer)
        options = Options("crm/salesforce", "http://127.0.0.1:9", None, "token")
        with SalesforceClient(options, "leads", Session()) as api:
            tracemalloc.start()
            assert sum(len(page) for page in api.records(Query("Lead", ("Id", "Text")))) == pages * 500
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak

    assert peak_of(40) < 1.5 * peak_of(5)


# the real column shapes


REAL = {"account": "Account", "contact": "Contact", "lead": "Lead", "opportunity": "Opportunity", "task": "Task",
        "event": "Event", "product_2": "Product2"}  # fmt: skip


def api_name(column: str) -> str:
    """billing_city -> BillingCity, competitor_c -> Competitor__c."""
    custom = column.endswith("_c")
    parts = column.removesuffix("_c").split("_") if custom else column.split("_")
    return ("_" if custom else "").join(part.capitalize() for part in parts) + ("__c" if custom else "")


def test_real_column_shapes_load(org: Org, real_data: Path) -> None:
    folder = real_data / "crm_salesforce_fivetran_seeds"
    if not folder.is_dir():
        pytest.skip("../shared/data/crm_salesforce_fivetran_seeds is not there")
    ids: dict[str, set[str]] = {}
    with SalesforceStandin(page_rows=3, **ALL_FAULTS) as salesforce:
        org.connect(salesforce)
        for name, sobject in REAL.items():
            with (folder / f"sf_{name}_data.csv").open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            for row in rows:
                record = {api_name(k): real_value(v) for k, v in row.items() if not k.startswith("_fivetran")}
                record.setdefault("SystemModstamp", iso(datetime.fromisoformat(row["_fivetran_synced"])))
                record.setdefault("CreatedDate", record["SystemModstamp"])
                salesforce.schema[sobject] |= dict.fromkeys(record, "string")
                salesforce.records[sobject][record["Id"]] = record
            ids[sobject] = {record["Id"] for record in salesforce.records[sobject].values()}
        everything = {"properties": "all"}
        loaded = org.load(objects={"contacts": everything, "leads": everything, "products": everything})
    assert {row["company_id"] for row in loaded["companies"]} == ids["Account"]
    assert {row["contact_id"] for row in loaded["contacts"]} == ids["Contact"] and len(ids["Contact"]) == 4
    assert {row["lead_id"] for row in loaded["leads"]} == ids["Lead"] and len(ids["Lead"]) == 1
    assert {row["deal_id"] for row in loaded["deals"]} == ids["Opportunity"]
    assert {row["product_id"] for row in loaded["products"]} == ids["Product2"]
    assert {row["activity_id"] for row in loaded["activities"]} <= ids["Task"] | ids["Event"]
    assert any(row["deal_id"] for row in loaded["activities"])
    fields = {name for row in loaded["contacts"] for name in json.loads(row["properties"])}
    assert any(name.endswith("__c") for name in fields)
    wrong = Counter((name, e["field"], e["rule"]) for name, rows in loaded.items() for row in rows
                    for e in json.loads(row["row_errors"] or "[]"))  # fmt: skip
    assert wrong == {}


def real_value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        return iso(datetime.fromisoformat(text).replace(tzinfo=UTC))
    return text or None


# the stand-in itself is strict


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/queryAll?q=SELECT+Id+FROM+Lead+WHERE+IsDeleted+=+false+ORDER+BY+Id", 200, None),
        ("/queryAll?q=SELECT+Id,Nonsense+FROM+Lead", 400, "INVALID_FIELD"),
        ("/queryAll?q=SELECT+Id+FROM+Lead+WHERE+Nonsense+=+true", 400, "INVALID_FIELD"),
        ("/queryAll?q=SELECT+Id+FROM+Lead+WHERE+SystemModstamp+>+'2026-11-01T00:00:00Z'", 400, "INVALID_FIELD"),
        ("/queryAll?q=SELECT+Id+FROM+Lead+WHERE+IsDeleted+false", 400, "MALFORMED_QUERY"),
        ("/queryAll?q=SELECT+*+FROM+Lead", 400, "MALFORMED_QUERY"),
        ("/queryAll?q=SELECT+Id+FROM+Nothing", 400, "INVALID_TYPE"),
        ("/query/01g000000000001-2000", 400, "INVALID_QUERY_LOCATOR"),
        ("/sobjects/Nothing/describe", 404, "NOT_FOUND"),
        ("/queryAll?q=SELECT+Id+FROM+Lead&pad=" + "x" * 16_384, 414, "URI_TOO_LONG"),
    ],
)
def test_the_stand_in_refuses_what_the_api_refuses(path: str, status: int, code: str | None) -> None:
    with SalesforceStandin() as salesforce, httpx.Client(trust_env=False) as client:
        salesforce.add("Lead", 1, EPOCH, LastName="L")
        url = f"{salesforce.base_url}/services/data/v65.0{path}"
        answer = client.get(url, headers={"Authorization": f"Bearer {salesforce.token_of(0)}"})
        assert answer.status_code == status
        assert (answer.json()[0]["errorCode"] if code else None) == code
        if status != 414:
            assert client.get(url).status_code in (401, 404)
        odd = client.get(url, headers={"Sforce-Query-Options": "batchSize=7", "Authorization": "Bearer x"})
        assert odd.status_code in (400, 401, 404, 414)
