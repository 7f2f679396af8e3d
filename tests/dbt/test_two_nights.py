"""What the CRM merged away, deleted or stamped with a wrong clock, over two nights of a small world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from persona_warehouse import transform
from persona_warehouse.identity import resolve
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect
from tests.made_once import environment_kept

FIRST, SECOND = "1795100000.1", "1795190000.1"  # the nineteenth and the twentieth of november 2026, in the evening
CHILDREN = ("contacts", "deals", "activities", "tickets", "invoices", "surveys", "interviews", "product_usage")


def moment(day: int, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, 4, tzinfo=UTC)


def night(settings: Settings) -> None:
    """Staging, identity and marts, without their tests."""
    with environment_kept():
        staged = transform._invoke(settings, ["run", "--select", "tag:staging"])
        resolve.resolve(settings)
        built = transform._invoke(settings, ["run", "--select", "tag:marts"])
    assert {str(result.status) for result in staged + built} == {"success"}


@pytest.fixture
def two_nights(world_home: Settings, land: Callable[..., None]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The working database after both."""
    away = {"company_id": "away", "created_at": moment(1)}
    first: dict[str, list[dict[str, Any]]] = {
        "companies": [
            {"company_id": "stays", "name": "海河科技", "updated_at": moment(2)},
            {"company_id": "away", "name": "海河科技有限公司", "updated_at": moment(2)},
            {"company_id": "ahead", "name": "was named so", "updated_at": moment(2, year=2099)},
        ],
        "contacts": [
            away | {"contact_id": "ann", "full_name": "Ann", "email": "ann@haihe.example", "lead_status": "new"},
            {
                "contact_id": "left",
                "full_name": "左",
                "email": "left@haihe.example",
                "lead_status": "new",
                "company_id": "stays",
                "created_at": moment(1),
                "updated_at": moment(3),
            },
        ],
        "deals": [away | {"deal_id": "pilot", "name": "Pilot", "stage": "神秘阶段", "amount": 100}],
        "activities": [
            {"activity_id": "visit", "activity_type": "拜访", "company_id": "away", "occurred_at": moment(4)},
            {
                "activity_id": "call",
                "activity_type": "teleport",
                "contact_id": "left",
                "company_id": "stays",
                "occurred_at": moment(5),
            },
        ],
        "tickets": [{"ticket_id": "t", "company_id": "away", "opened_at": moment(6)}],
        "invoices": [{"invoice_id": "i", "company_id": "away", "issued_at": moment(6), "amount": 100}],
        "surveys": [{"survey_response_id": "s", "survey_type": "nps", "company_id": "away", "responded_at": moment(6)}],
        "interviews": [{"interview_id": "v", "company_id": "away", "interviewed_at": moment(6)}],
        "product_usage": [{"company_id": "away", "usage_date": moment(6).date(), "usage_count": 3}],
    }
    second: dict[str, list[dict[str, Any]]] = {
        "companies": [
            {
                "company_id": "away",
                "name": "海河科技有限公司",
                "updated_at": moment(19),
                "is_deleted": True,
                "merged_into_id": "stays",
            },
            {"company_id": "ahead", "name": "is named so", "updated_at": moment(20)},
        ],
        "contacts": [{"contact_id": "left", "created_at": moment(1), "updated_at": moment(19), "is_deleted": True}],
    }
    for load_id, objects in ((FIRST, first), (SECOND, second)):
        for name, rows in objects.items():
            land("crm", name, load_id, rows)
        night(world_home)
    with connect(world_home.warehouse_file, read_only=True) as connection:
        yield connection


def test_two_nights(two_nights: duckdb.DuckDBPyConnection) -> None:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return two_nights.execute(query).fetchall()

    accounts = dict(rows("select source_id, account_id from identity.companies"))
    # a company that was merged away: what belonged to it belongs to the one that stays
    assert set(accounts) == {"stays", "away", "ahead"}
    assert accounts["away"] == accounts["stays"] != accounts["ahead"]
    stays = accounts["stays"]
    assert rows(f"""select account_name, contact_count, deal_count, source_record_count, journey_stage
                    from marts.accounts where account_id = '{stays}'""") == [("海河科技", 1, 1, 2, "use")]
    assert rows("select account_id, masked_name from marts.contacts") == [(stays, "A**")]
    assert rows("""select touchpoint_type, channel, account_id, contact_id from marts.touchpoints
                   order by occurred_at, touchpoint_type""") == [
        ("deal_created", "crm", stays, None),
        ("crm_activity", "meeting", stays, None),
        # the call was with somebody who is gone; the company was called nevertheless
        ("crm_activity", "teleport", stays, None),
    ]  # fmt: skip
    for name in CHILDREN:
        joined = f"staging.stg_crm__{name} as s join identity.companies as c on c.source_id = s.company_id"
        assert rows(f"select distinct c.account_id from {joined} where s.company_id = 'away'") == [(stays,)], name
    # a contact that was deleted: nobody in the marts, and an identity that has ended
    assert rows("select lead_id, stage from marts.lead_stages order by all") == [
        ("contact:ann", "raw"), ("deal:pilot", "opportunity"),
    ]  # fmt: skip
    assert rows("""select source_id, contact_id, identity_type, match_method, valid_from, valid_to
                   from marts.contact_identities where valid_to is not null""") == [
        ("left", None, "person", "deleted", moment(1), moment(19)),
    ]  # fmt: skip
    # a clock that ran ahead hid nothing
    assert rows("select name from staging.stg_crm__companies where company_id = 'ahead'") == [("is named so",)]
    # words that nobody mapped are kept as they came
    assert rows("select source_stage from marts.lead_stages where stage = 'opportunity'") == [("神秘阶段",)]
