"""The fxiaoke connector against a strict stand-in of the API, and its parsing by itself."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.fxiaoke import extract, parse
from persona_warehouse.sources.fxiaoke.client import FxiaokeClient, Options, Pace, Tenant
from persona_warehouse.sources.load import load_stream, window_of
from persona_warehouse.sources.progress import Span
from persona_warehouse.sources.records import Recipe, typed
from tests.standins.fxiaoke import (
    CORP_TOKEN,
    CUSTOM_QUERY,
    DESCRIBE,
    EPOCH,
    OAUTH_TOKEN,
    OBJECTS,
    QUERY,
    FxiaokeStandin,
    ms,
)

CONFIG = {
    "connector": "fxiaoke", "connection": "fxiaoke_main", "backoff_seconds": 0.01, "window_seconds": 0.01,
    "calls_per_window": 10_000, "page_size": 10,
}  # fmt: skip
# name -> rows of a tenant that was filled
FILLED = {
    "companies": 45, "contacts": 55, "leads": 21, "deals": 29, "deal_stage_history": 23, "deal_contacts": 23,
    "activities": 24, "products": 1, "tickets": 12, "invoices": 24, "campaigns": 1, "campaign_members": 12,
}  # fmt: skip
ALL_FAULTS = {
    "rate_limit_once": True,
    "busy_once": True,
    "status_once": 502,
    "cut_body_once": True,
    "expire_token_once": True,
    "wrong_type_once": True,
    "repeat_page": True,
    "move_record": True,
}

Tables = dict[str, pa.Table]


class Company:
    """A home of its own; `read` runs the connector, `load` a whole load with its manifest."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        self._patch = patch

    def extracts(self, fxiaoke: FxiaokeStandin, window: Window | None = None, **options: Any) -> dict[str, Extract]:
        self._patch.setenv("AIRFLOW_CONN_FXIAOKE_MAIN", fxiaoke.connection_json())
        found = extract({**CONFIG, **options}, "crm", self.settings, window or window_of(self.settings))
        return {one.object: one for one in found}

    def read(self, fxiaoke: FxiaokeStandin, only: str | None = None, **options: Any) -> Tables:
        found = self.extracts(fxiaoke, **options)
        return {name: pa.concat_tables(list(one.batches())) for name, one in found.items() if only in (None, name)}

    def rows(self, fxiaoke: FxiaokeStandin, only: str, **options: Any) -> list[dict[str, Any]]:
        return list(self.read(fxiaoke, only, **options)[only].to_pylist())

    def commit(self, fxiaoke: FxiaokeStandin, **cursors: Any) -> None:
        """A manifest that says how far former loads read, under today's settings."""
        found = self.extracts(fxiaoke)
        kept = {f"fxiaoke/{name}": {**found[name].cursor(), **cursor} for name, cursor in cursors.items()}
        store.write_manifest(self.settings, store.Manifest("1", "crm", "2026-11-20", ("", ""), "", cursors=kept))

    def load(self, fxiaoke: FxiaokeStandin, *names: str) -> dict[str, list[dict[str, Any]]]:
        """The rows that a load of these objects landed."""
        self._patch.setenv("AIRFLOW_CONN_FXIAOKE_MAIN", fxiaoke.connection_json())
        self.settings.sources_file.parent.mkdir(parents=True, exist_ok=True)
        objects = {name: {"skip": True} for name in FILLED if name not in names}
        sources = {"sources": {"crm": [{**CONFIG, "objects": objects}]}}
        self.settings.sources_file.write_text(json.dumps(sources), encoding="utf-8")
        load_stream(self.settings, "crm")
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for file in store.manifests(self.settings, "crm")[-1].files:
            path = self.settings.landing / "crm" / file.path
            rows[file.object] += pq.read_table(path, partitioning=None).to_pylist()
        return rows

    def failure_of(self, fxiaoke: FxiaokeStandin, only: str = "contacts", **options: Any) -> PersonaError:
        """The error that a run ends with; no secret may stand in it or in what caused it."""
        with pytest.raises(PersonaError) as caught:
            self.read(fxiaoke, only, **options)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert not any(secret in told for secret in (fxiaoke.secret, fxiaoke.permanent_code, *fxiaoke.tokens) if secret)
        return caught.value


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    return Company(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tables, FxiaokeStandin]]:
    """What a tenant without faults lands, and the stand-in that gave it."""
    with pytest.MonkeyPatch.context() as patch, filled() as fxiaoke:
        yield Company(tmp_path_factory.mktemp("quiet"), patch).read(fxiaoke), fxiaoke


def standin(**options: Any) -> FxiaokeStandin:
    return FxiaokeStandin(**{"calls_per_window": 10_000, **options})


def filled(**options: Any) -> FxiaokeStandin:
    fxiaoke = standin(**options)
    fxiaoke.fill()
    return fxiaoke


def by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


ID = FxiaokeStandin.id


def test_the_whole_tenant_lands(quiet: tuple[Tables, FxiaokeStandin]) -> None:
    found, fxiaoke = quiet
    assert fxiaoke.calls[OAUTH_TOKEN] == 1 and fxiaoke.calls[OBJECTS] == 1
    assert not fxiaoke.refusals
    assert {name: table.num_rows for name, table in found.items()} == FILLED
    for name, table in found.items():
        assert table.schema.equals(landing_schema("crm", name))
        assert table["row_errors"].null_count == table.num_rows, table["row_errors"].to_pylist()[:3]
        assert table["source_row"].to_pylist() == list(range(1, table.num_rows + 1))
    rows = {name: table.to_pylist() for name, table in found.items()}
    one = by(rows["companies"], "company_id")[ID(5)]
    assert (one["name"], one["industry"], one["province"], one["employee_count"]) == (
        "海河科技5",
        "互联网",
        "湖北省",
        50,
    )
    assert (one["owner_id"], one["lifecycle_stage"], one["is_deleted"]) == ("1000", "已成交", False)
    assert one["created_at"] == one["updated_at"] == EPOCH + timedelta(minutes=5)
    # labels where a reader looks, the values behind them and custom fields beside
    assert json.loads(one["properties"]) == {
        "deal_status": "2", "industry_level1": "2", "province": "265",
        "life_status": "normal", "life_status__r": "正常", "field_level__c": "a", "field_level__c__r": "A类",
        "field_tags__c": ["18", "19"], "field_tags__c__r": "重点;老客户",
    }  # fmt: skip
    gone = by(rows["companies"], "company_id")[ID(7)]
    assert (gone["is_deleted"], gone["updated_at"]) == (True, EPOCH + timedelta(days=4))
    contact = by(rows["contacts"], "contact_id")[ID(6)]
    assert (contact["full_name"], contact["phone"], contact["company_id"]) == ("张6", "13800000006", ID(7))
    assert by(rows["contacts"], "contact_id")[ID(10)]["company_id"] is None
    lead = by(rows["leads"], "lead_id")[ID(3)]
    assert (lead["lead_status"], lead["lead_source"], lead["company_name"]) == ("已转化", "展会", "长江3")
    assert (lead["converted_contact_id"], lead["converted_deal_id"]) == (ID(3), ID(3))


def test_deals_and_what_hangs_on_them_land(quiet: tuple[Tables, FxiaokeStandin]) -> None:
    rows = {name: table.to_pylist() for name, table in quiet[0].items()}
    deals = by(rows["deals"], "deal_id")
    won, open_, old = deals[ID(9)], deals[ID(10)], deals[ID(1001)]
    assert (won["stage"], won["is_closed"], won["is_won"], str(won["amount"])) == ("赢单", True, True, "900.500000")
    assert (open_["stage"], open_["is_closed"], open_["is_won"], open_["probability"]) == ("初步沟通", False, False, 20)
    assert won["closed_at"] == EPOCH + timedelta(days=30)
    assert json.loads(won["properties"])["sales_status__r"] == "赢单"
    assert (old["name"], str(old["amount"]), old["is_won"]) == ("老商机1001", "8000.000000", True)
    assert deals[ID(7)]["is_deleted"] is True
    stages = by(rows["deal_stage_history"], "deal_id")
    assert (stages[ID(9)]["stage"], stages[ID(9)]["entered_at"]) == ("赢单", EPOCH + timedelta(minutes=14))
    assert stages[ID(10)]["entered_at"] == EPOCH + timedelta(minutes=10)
    roles = by(rows["deal_contacts"], "deal_id")
    assert (roles[ID(9)]["contact_id"], roles[ID(9)]["role"], roles[ID(10)]["role"]) == (ID(9), "决策人", None)
    # what was made invalid, where landing has no word for it, is left out
    assert ID(7) not in stages and ID(7) not in roles
    activity, note = by(rows["activities"], "activity_id")[ID(1)], by(rows["activities"], "activity_id")[ID(2)]
    assert (activity["activity_type"], note["activity_type"]) == ("电话", "跟进")
    assert (activity["company_id"], activity["deal_id"], activity["contact_id"]) == (ID(2), ID(1), None)
    assert json.loads(activity["properties"])["related_object_data.LeadsObj"] == ID(1)
    assert "海河" not in activity["properties"]
    ticket, order = by(rows["tickets"], "ticket_id")[ID(2)], by(rows["invoices"], "invoice_id")[ID(2)]
    assert (ticket["severity"], ticket["status"], ticket["company_id"]) == ("高", "已完成", ID(2))
    assert ticket["closed_at"] == EPOCH + timedelta(minutes=62)
    assert (str(order["amount"]), order["issued_at"]) == ("2000.000000", EPOCH + timedelta(minutes=2))
    assert (rows["products"][0]["family"], str(rows["products"][0]["list_price"])) == ("软件", "9800.000000")
    assert (rows["campaigns"][0]["campaign_type"], str(rows["campaigns"][0]["budget"])) == ("展会", "50000.000000")
    member = by(rows["campaign_members"], "campaign_member_id")[ID(4)]
    assert (member["campaign_id"], member["lead_id"], member["status"]) == (ID(1), ID(4), "已签到")


def test_with_every_fault_the_same_lands(company: Company, quiet: tuple[Tables, FxiaokeStandin]) -> None:
    with filled(**ALL_FAULTS) as fxiaoke:
        assert company.read(fxiaoke) == quiet[0]
        # token, list and description, and every object but products, which are one query
        assert fxiaoke.refusals == {30004: 14, 50009: 14, 20016: 1}
        # five until the first token is given whole, one after it was refused
        assert fxiaoke.calls[OAUTH_TOKEN] == 6


@pytest.mark.parametrize("options", [{"auth": "corp_access_token"}, {"name_fields": True}])
def test_however_it_is_asked_the_same_lands(
    company: Company, quiet: tuple[Tables, FxiaokeStandin], options: dict[str, Any]
) -> None:
    with filled(**ALL_FAULTS) as fxiaoke:
        assert company.read(fxiaoke, "deals", **options)["deals"] == quiet[0]["deals"]
        assert fxiaoke.refusals[20016] == 1
        token, other = (CORP_TOKEN, OAUTH_TOKEN) if "auth" in options else (OAUTH_TOKEN, CORP_TOKEN)
        assert (fxiaoke.calls[token], fxiaoke.calls[other]) == (6, 0)
        asked = [query["search_query_info"].get("fieldProjection") for query in fxiaoke.queries]
        assert all(("sales_stage" in fields or "status" in fields) if "name_fields" in options else fields is None
                   for fields in asked)  # fmt: skip


def test_with_every_fault_the_same_changes_land(company: Company) -> None:
    everything = {"modified": (EPOCH + timedelta(minutes=90)).isoformat(), "objects": ["AccountObj"]}
    with filled() as fxiaoke:
        company.commit(fxiaoke, companies=everything)
        changes = company.read(fxiaoke, "companies")
        # from an overlap of an hour before the cursor on: 30 to 45, and the one that was made invalid
        assert changes["companies"].num_rows == 17
    with filled(**ALL_FAULTS) as fxiaoke:
        assert company.read(fxiaoke, "companies") == changes


def test_a_tenant_that_shows_invalid_records_lands_them_once(company: Company) -> None:
    with filled() as fxiaoke:
        hidden = company.rows(fxiaoke, "companies")
        assert fxiaoke.calls[QUERY] == 6
    with filled(shows_invalid=True) as fxiaoke:
        shown = company.rows(fxiaoke, "companies")
        assert fxiaoke.calls[QUERY] == 5
    without = lambda rows: {row["company_id"]: {**row, "source_row": 0} for row in rows}  # noqa: E731
    assert without(shown) == without(hidden) and len(shown) == 45


@pytest.mark.parametrize(("mode", "count"), [("flag", 45), ("none", 44)])
def test_invalid_records_are_asked_for_as_the_sources_file_says(company: Company, mode: str, count: int) -> None:
    with filled() as fxiaoke:
        assert len(company.rows(fxiaoke, "companies", invalid_records=mode)) == count
        assert all(("includeInvalid" in query) == (mode == "flag") for query in fxiaoke.queries)


def test_a_later_load_takes_what_changed_and_a_rerun_adds_nothing(company: Company) -> None:
    with filled() as fxiaoke:
        names = ("companies", "contacts", "deals", "deal_stage_history")
        first = company.load(fxiaoke, *names)
        assert {name: len(rows) for name, rows in first.items()} == {name: FILLED[name] for name in names}
        cursor = store.last_cursor(company.settings, "crm", "fxiaoke/deals")
        assert cursor and cursor["modified"] == (EPOCH + timedelta(days=4)).isoformat()
        assert cursor["objects"] == ["NewOpportunityObj", "OpportunityObj"]
        at = EPOCH + timedelta(days=10)
        fxiaoke.change("ContactObj", 10, at, job_title="采购总监")
        fxiaoke.change("NewOpportunityObj", 10, at, sales_stage="s3", stg_changed_time=ms(at), amount="x")
        fxiaoke.invalidate("AccountObj", 20, at)
        second = {name: company.rows(fxiaoke, name) for name in names}
        third = {name: company.rows(fxiaoke, name) for name in names}
    assert by(second["contacts"], "contact_id")[ID(10)]["job_title"] == "采购总监"
    assert {row["company_id"]: row["is_deleted"] for row in second["companies"]} == {ID(7): True, ID(20): True}
    (error,) = json.loads(by(second["deals"], "deal_id")[ID(10)]["row_errors"])
    assert (error["field"], error["rule"], error["found"]) == ("amount", "not_decimal", "x")
    # the stage of the first load and this one are the history
    stages = [(row["stage"], row["entered_at"]) for rows in (first, second) for row in rows["deal_stage_history"]
              if row["deal_id"] == ID(10)]  # fmt: skip
    assert stages == [("初步沟通", EPOCH + timedelta(minutes=10)), ("商务谈判", at)]
    assert third == second


def test_an_object_that_comes_later_is_read_whole(company: Company) -> None:
    with filled() as fxiaoke:
        cursor = {"modified": (EPOCH + timedelta(days=9)).isoformat(), "objects": ["NewOpportunityObj"]}
        company.commit(fxiaoke, deals=cursor)
        assert [row["deal_id"] for row in company.rows(fxiaoke, "deals")] == [ID(n) for n in range(1001, 1006)]


def test_a_backfill_reads_its_window_and_leaves_the_cursor(company: Company) -> None:
    inside = window_of(company.settings)
    late = {"modified": (EPOCH + timedelta(days=30)).isoformat(), "objects": ["ContactObj"]}
    with standin() as fxiaoke:
        for number, at in enumerate((inside.start - timedelta(milliseconds=1), inside.start, inside.end), 1):
            fxiaoke.add("ContactObj", number, at)
        company.commit(fxiaoke, contacts=late)
        contacts = company.extracts(fxiaoke)["contacts"]
        (table,) = contacts.batches()
        assert table["contact_id"].to_pylist() == [ID(2)]
        assert contacts.cursor is not None
        cursor = contacts.cursor()
        assert {key: cursor[key] for key in late} == late


def test_the_cursor_never_passes_the_start_of_reading(company: Company) -> None:
    with standin() as fxiaoke:
        fxiaoke.add("AccountObj", 1, fxiaoke.now + timedelta(days=400))
        one = company.extracts(fxiaoke)["companies"]
        list(one.batches())
        assert one.cursor and one.cursor()["modified"] == fxiaoke.now.isoformat()


def test_changes_at_one_moment_are_paged_by_id(company: Company) -> None:
    with standin(objects=["AccountObj", "ContactObj"]) as fxiaoke:
        for number in range(1, 1_001):
            fxiaoke.add("ContactObj", number, EPOCH)
        found = company.read(fxiaoke, "contacts", page_size=100, invalid_records="none")["contacts"]
        # ten full pages, and one that shows that there are no more
        assert fxiaoke.calls[QUERY] == 11
        assert {query["search_query_info"]["offset"] for query in fxiaoke.queries} == {0}
    assert found["contact_id"].to_pylist() == [ID(number) for number in range(1, 1_001)]


# objects and fields of the tenant's own


def test_a_custom_object_brings_what_the_sources_file_says(company: Company) -> None:
    own = {
        "api_name": "object_8Wc2b__c",
        "columns": {"deal_id": "deal__c", "stage": "stage__c", "entered_at": "since__c"},
    }
    with standin() as fxiaoke:
        fxiaoke.add("object_8Wc2b__c", 1, EPOCH, deal__c=ID(9), stage__c="s3", since__c=ms(EPOCH))
        (row,) = company.rows(fxiaoke, "deal_stage_history", objects={"deal_stage_history": own})
        assert fxiaoke.calls[CUSTOM_QUERY] == 1 and fxiaoke.calls[QUERY] == 0
    assert (row["deal_id"], row["stage"], row["entered_at"]) == (ID(9), "商务谈判", EPOCH)
    assert row["source_file"] == "object_8Wc2b__c"


def test_columns_words_and_constants_of_the_sources_file_win(company: Company) -> None:
    objects = {
        "companies": {"columns": {"funding_stage": "field_level__c", "city": None}, "constants": {"country": "CN"}},
        "deals": {"currency": "CNY", "values": {"is_won": {"初步沟通": False, "2": False}}},
        "tickets": {"skip": True},
    }
    with filled() as fxiaoke:
        company_1 = by(company.rows(fxiaoke, "companies", objects=objects), "company_id")[ID(1)]
        deals = by(company.rows(fxiaoke, "deals", objects=objects), "deal_id")
        assert "tickets" not in company.extracts(fxiaoke, objects=objects)
    assert (company_1["funding_stage"], company_1["country"]) == ("A类", "CN")
    assert (deals[ID(9)]["is_won"], deals[ID(9)]["is_closed"], deals[ID(9)]["currency"]) == (False, True, "CNY")


def test_what_a_tenant_does_not_have_is_told_and_goes_without(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    with standin(objects=["AccountObj", "ContactObj", "NewOpportunityObj"]) as fxiaoke:
        fxiaoke.add("NewOpportunityObj", 1, EPOCH, sales_stage="s1")
        fxiaoke.add("AccountObj", 1, EPOCH)
        with caplog.at_level(logging.INFO):
            found = company.read(fxiaoke)
    assert {name for name, table in found.items() if table.num_rows} == {"companies", "deals", "deal_stage_history"}
    assert found["leads"].schema.equals(landing_schema("crm", "leads"))
    assert "the tenant has no LeadsObj, leads go without it" in caplog.text
    assert "the tenant has no OpportunityObj, deals go without it" in caplog.text
    assert "AccountObj has no uniform_social_credit_code, credit_code, uscc stays empty" in caplog.text


# what ends a run


@pytest.mark.parametrize(
    ("objects", "field", "said"),
    [
        ({"leads": {"api_name": "LeadObj"}}, "api_name", "LeadObj (nearest: LeadsObj)"),
        ({"leads": {"columns": {"score": "leads_score"}}}, "leads_score", "a field of LeadsObj"),
        ({"leads": {"columns": {"score": "mobil"}}}, "mobil", "mobil (nearest: mobile)"),
    ],
)
def test_a_configured_object_or_field_must_exist(company: Company, objects: Any, field: str, said: str) -> None:
    with standin() as fxiaoke:
        error = company.failure_of(fxiaoke, "leads", objects=objects)
    assert isinstance(error, ConfigError) and error.field == field and said in str(error)


def test_a_tenant_without_customers_does_not_let_us_see_them(company: Company) -> None:
    with standin(objects=["LeadsObj"]) as fxiaoke:
        assert isinstance(company.failure_of(fxiaoke, "companies"), ConfigError)
        # named in the sources file, one of the standard objects must be there
        assert isinstance(company.failure_of(fxiaoke, "deals", objects={"deals": {"currency": "CNY"}}), ConfigError)


@pytest.mark.parametrize(
    ("endpoint", "code", "kind", "said", "calls"),
    [
        (QUERY, 30002, SourceFault, "the day's calls are used up", 1),
        (QUERY, 30003, SourceFault, "order an OpenAPI package", 1),
        (QUERY, 10013, SourceFault, "10,000th record", 1),
        (QUERY, 32000, SourceFault, "errorCode 32000: as told, for ***", 1),
        (QUERY, 50009, SourceFault, "at the last of 3 attempts", 3),
        (QUERY, 14001, SourceFault, "at the last of 3 attempts", 3),
        (DESCRIBE, -1, SourceFault, "at the last of 3 attempts", 3),
        (OBJECTS, 20021, ConfigError, "the app is switched off", 1),
        (QUERY, 30027, ConfigError, "`user_id`", 1),
        (QUERY, 20016, SourceFault, "a token that was given a moment ago", 2),
        (OAUTH_TOKEN, 10006, ConfigError, "permanent_code", 1),
        (OAUTH_TOKEN, -1, SourceFault, "at the last of 3 attempts", 3),
    ],
)
def test_error_codes_in_the_body(
    company: Company, endpoint: str, code: int, kind: type[PersonaError], said: str, calls: int
) -> None:
    with standin(errors={endpoint: code}) as fxiaoke:
        error = company.failure_of(fxiaoke, max_retries=2)
        assert type(error) is kind and said in str(error) and f"errorCode {code}" in str(error)
        assert fxiaoke.calls[endpoint] == calls


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"login_page": True}, 'text/html; charset=utf-8, beginning "Sign in'),
        ({"redirects": True}, "HTTP 302, which leads to www.elsewhere.example"),
    ],
)
def test_what_is_no_api_is_told_at_once(company: Company, options: dict[str, Any], said: str) -> None:
    with standin(**options) as fxiaoke:
        error = company.failure_of(fxiaoke)
        assert isinstance(error, SourceFault) and said in str(error)
        assert sum(fxiaoke.calls.values()) == 1


def test_a_page_that_is_served_again_and_again_ends_the_load(company: Company) -> None:
    with filled(repeats_forever=True) as fxiaoke:
        error = company.failure_of(fxiaoke)
        assert isinstance(error, SourceFault) and error.field == "_id"
        assert fxiaoke.calls[QUERY] == 3


def test_wrong_credentials_need_a_person(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with standin() as fxiaoke:
        right = json.loads(fxiaoke.connection_json())
        wrong = json.dumps({**right, "password": "other-secret"})
        monkeypatch.setattr(fxiaoke, "connection_json", lambda: wrong)
        error = company.failure_of(fxiaoke)
        assert isinstance(error, ConfigError) and "10006" in str(error) and "other-secret" not in str(error)
        for key in ("permanent_code", "user_id"):
            lacks = json.dumps({**right, "extra": {**right["extra"], key: ""}})
            monkeypatch.setattr(fxiaoke, "connection_json", lambda lacks=lacks: lacks)
            error = company.failure_of(fxiaoke)
            assert isinstance(error, ConfigError) and error.field == key
        assert fxiaoke.calls == {OAUTH_TOKEN: 1}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"conection": "x"}, "conection"),
        ({"connection": ["x"]}, "connection"),
        ({"auth": "basic"}, "auth"),
        ({"page_size": 101}, "page_size"),
        ({"calls_per_window": 0}, "calls_per_window"),
        ({"invalid_records": "all"}, "invalid_records"),
        ({"invalid_filter": {"field_name": "life_status"}}, "invalid_filter"),
        ({"name_fields": "yes"}, "name_fields"),
        ({"base_url": "https://user:pw@api.example"}, "base_url"),
        ({"objects": {"surveys": {}}}, "surveys"),
        ({"objects": {"deals": {"properties": ["x"]}}}, "properties"),
        ({"objects": {"deals": {"api_name": []}}}, "api_name"),
        ({"objects": {"deals": {"skip": "yes"}}}, "skip"),
        ({"objects": {"deals": {"columns": {"amont": "amount"}}}}, "amont"),
        ({"objects": {"deals": {"columns": {"amount": "a | b + c"}}}}, "columns"),
    ],
)
def test_options_are_checked_before_anything_is_fetched(company: Company, options: dict[str, Any], field: str) -> None:
    with standin() as fxiaoke:
        error = company.failure_of(fxiaoke, **options)
        assert isinstance(error, ConfigError) and error.field == field
        assert not fxiaoke.calls


# pace


class Clock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_calls_keep_to_the_pace_of_an_endpoint() -> None:
    clock = Clock()
    with FxiaokeStandin(calls_per_window=100, window_seconds=20, clock=clock) as fxiaoke:
        options = Options(
            "crm/fxiaoke", fxiaoke.base_url, fxiaoke.app_id, fxiaoke.secret, fxiaoke.permanent_code, "1000"
        )
        tenant = Tenant(options)
        tenant.pace = Pace(options.calls, options.seconds, clock)
        with FxiaokeClient(options, "companies", tenant, clock.sleep) as api:
            for _ in range(250):
                api.describe("AccountObj")
                clock.now += 0.0625
            list(api.records("AccountObj", parse.Description({"name": "text"}), Span()))
        assert fxiaoke.calls[DESCRIBE] == 250 and not fxiaoke.refusals
    # a hundred calls in a little over six seconds, then a rest to the end of the twenty, twice
    assert clock.slept == [13.75, 13.75]


# parsing by itself


@pytest.mark.parametrize("record", [None, 7, "x", [], {}, {"_id": 7}, {"_id": " "}])
def test_what_is_no_record_lands_as_a_row_in_error(record: Any) -> None:
    reading = parse.Reading("company_id", {"name": Recipe(("name",))}, frozenset({"name"}))
    row = parse.record_row(record, reading, parse.Description({}))
    assert row is not None
    (table,) = typed("crm", "companies", Mapping({}), "any", [[row]])
    (landed,) = table.to_pylist()
    (error,) = json.loads(landed["row_errors"])
    assert error["rule"] == "not_record" and json.loads(landed["raw_row"]) == record


def test_labels_values_and_what_no_column_takes() -> None:
    reading = parse.Reading(
        "contact_id",
        {"phone": Recipe(("mobile1", "tel1")), "seniority": Recipe(("level",)), "is_deleted": Recipe(("flag",))},
        frozenset({"phone", "seniority"}),
        choices={"is_deleted": {"1": "true", "否": "false"}},
        tells_deletion=False,
    )
    described = parse.Description(
        {"level": "select_one", "flag": "select_one"}, {"level": {"1": "高"}, "flag": {"2": "否"}}
    )
    record = {
        "_id": "a",
        "mobile1": "138",
        "tel1": "010",
        "level": "9",
        "flag": "2",
        "flag__r": "x",
        "empty": " ",
        "owner": [],
    }
    row = parse.record_row(record, reading, described)
    # an option that nobody described stays as it is, what a choice does not know is empty
    assert row and (row["phone"], row["seniority"], row["is_deleted"]) == ("138", "9", "false")
    assert json.loads(row["properties"] or "") == {"tel1": "010", "flag": "2", "flag__r": "否"}
    row = parse.record_row({**record, "flag": "3"}, reading, described)
    assert row and row["is_deleted"] is None
    assert parse.record_row({**record, "life_status": "invalid"}, reading, described) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [("1793491200000", EPOCH), ("1793491200001.5", None), ("", None), (None, None), ("9" * 30, None)],
)
def test_times_are_milliseconds(text: str | None, found: datetime | None) -> None:
    assert parse.moment(text) == found
    assert found is None or str(parse.milliseconds(found)) == text


# the stand-in itself is strict


def test_the_stand_in_refuses_what_the_api_refuses() -> None:
    with standin() as fxiaoke:
        fxiaoke.add("AccountObj", 1, EPOCH, address=None, url="https://a.example")
        http = httpx.Client(trust_env=False)
        who = {"appId": fxiaoke.app_id, "appSecret": fxiaoke.secret, "permanentCode": fxiaoke.permanent_code}

        def ask(path: str, body: Any, trace: str | None = None, **headers: str) -> dict[str, Any]:
            query = {"thirdTraceId": trace or str(uuid4())} if trace != "" else {}
            answer = http.post(fxiaoke.base_url + path, params=query, json=body, headers=headers)
            assert answer.status_code == 200
            return dict(answer.json())

        def code(path: str, body: Any, trace: str | None = None, **headers: str) -> int:
            return int(ask(path, body, trace, **headers)["errorCode"])

        token = ask(OAUTH_TOKEN, {**who, "grantType": "app_secret"})
        assert ask(OAUTH_TOKEN, {**who, "grantType": "app_secret"})["accessToken"] == token["accessToken"]
        assert code(OAUTH_TOKEN, who) == 32000 and code(OAUTH_TOKEN, {**who, "grantType": "x"}) == 20015
        right = {"authorization": f"Bearer {token['accessToken']}", "x-fs-ea": token["ea"], "x-fs-userid": "1000"}
        search = {"limit": 100, "offset": 0, "filters": [], "orders": [{"fieldName": "_id", "isAsc": True}]}
        data = {"dataObjectApiName": "AccountObj", "find_explicit_total_num": False, "search_query_info": search}

        def query(**changes: Any) -> int:
            return code(QUERY, {"data": {**data, "search_query_info": {**search, **changes}}}, **right)

        (shown,) = ask(QUERY, {"data": data}, **right)["data"]["dataList"]
        assert "address" not in shown and shown["url"] == "https://a.example"
        assert code(QUERY, {"data": data}) == 20017
        assert code(QUERY, {"data": data}, **{**right, "x-fs-userid": "7"}) == 20016
        assert code(QUERY, {"data": data, "corpAccessToken": "x"}, **right) == 20016
        assert (
            code(QUERY, {"data": data}, trace="", **right) == code(QUERY, {"data": data}, trace="1", **right) == 15002
        )
        same = str(uuid4())
        assert [code(QUERY, {"data": data}, same, **right) for _ in range(2)] == [0, 15002]
        assert code(CUSTOM_QUERY, {"data": data}, **right) == 32000
        assert query(limit=101) == query(offset=50) == query(orders=[]) == 32000
        assert query(orders=[{"field_name": "_id", "isAsc": True}]) == 32000
        assert query(filters=[{"fieldName": "_id", "operator": "GT", "field_values": ["1"]}]) == 32000
        assert query(filters=[{"field_name": "nothing", "operator": "GT", "field_values": ["1"]}]) == 32000
        assert query(filters=[{"field_name": "_id", "operator": "GT", "field_values": "1"}]) == 32000
        assert query(offset=10_100) == 10013 and query(offset=10_000) == 0
        made = [code(OAUTH_TOKEN, {**who, "grantType": "app_secret"}) for _ in range(8)]
        assert made[-2:] == [30004, 30004]
