"""The known truth beside the files: what every inference of the pipeline is measured against."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from persona_warehouse.simulate.crm_deals import Deals
from persona_warehouse.simulate.records import Identity, Spoiled
from persona_warehouse.simulate.story import STAGES
from persona_warehouse.simulate.words import PRODUCTS
from persona_warehouse.simulate.world import World

_COMPANIES = {
    "company_id": pa.string(),
    "legal_name": pa.string(),
    "short_name": pa.string(),
    "brand": pa.string(),
    "english_name": pa.string(),
    "traditional_name": pa.string(),
    "domain": pa.string(),
    "uscc": pa.string(),
    "industry": pa.string(),
    "chain_position": pa.string(),
    "province": pa.string(),
    "city": pa.string(),
    "employee_count": pa.int64(),
    "annual_revenue_cny": pa.int64(),
    "founded_year": pa.int64(),
    "funding_stage": pa.string(),
    "parent_company_id": pa.string(),
    "product_id": pa.string(),
    "furthest_stage": pa.string(),
    "is_lost": pa.bool_(),
}
_PEOPLE = {
    "person_id": pa.string(),
    "company_id": pa.string(),
    "full_name": pa.string(),
    "latin_name": pa.string(),
    "job_title": pa.string(),
    "department": pa.string(),
    "seniority": pa.string(),
    "decision_role": pa.string(),
    "buying_role": pa.string(),
    "influence": pa.float64(),
    "work_email": pa.string(),
    "free_email": pa.string(),
    "mobile": pa.string(),
    "openid": pa.string(),
    "unionid": pa.string(),
}
_STAGES = {
    "company_id": pa.string(),
    "stage": pa.string(),
    "stage_order": pa.int64(),
    "entered_on": pa.date32(),
}
_DEALS = {
    "deal_id": pa.string(),
    "company_id": pa.string(),
    "pipeline": pa.string(),
    "product_id": pa.string(),
    "amount_cny": pa.int64(),
    "is_closed": pa.bool_(),
    "is_won": pa.bool_(),
}
_IDENTITIES = {name: pa.string() for name in Identity._fields}
_SPOILED = {
    "file": pa.string(),
    "row": pa.int64(),
    "record_id": pa.string(),
    "field": pa.string(),
    "flaw": pa.string(),
    "written": pa.string(),
}


def tables(
    world: World, deals: Deals, identities: Iterable[Identity], spoiled: Iterable[Spoiled]
) -> dict[str, pa.Table]:
    """Each truth table by its file, `truth/<name>.parquet`. Ids of companies and people are the world's own."""
    return {
        "truth/companies.parquet": _table(_COMPANIES, _companies(world)),
        "truth/people.parquet": _table(_PEOPLE, _people(world)),
        "truth/stages.parquet": _table(_STAGES, _stages(world)),
        "truth/deals.parquet": _table(_DEALS, _deals(world, deals)),
        "truth/identities.parquet": _table(_IDENTITIES, [identity._asdict() for identity in identities]),
        "truth/spoiled.parquet": _table(_SPOILED, [vars(row) for row in spoiled]),
    }


def _table(columns: dict[str, pa.DataType], rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema(list(columns.items())))


def _companies(world: World) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(company, name) for name in _COMPANIES if hasattr(company, name)},
            "industry": company.trade.industry,
            "chain_position": company.trade.chain_position,
            "province": company.place.province,
            "city": company.place.city,
            "annual_revenue_cny": company.annual_revenue,
            "product_id": PRODUCTS[company.product].product_id,
            "furthest_stage": company.journey.furthest,
            "is_lost": company.journey.is_lost,
        }
        for company in world.companies
    ]


def _people(world: World) -> list[dict[str, Any]]:
    rows = []
    for person in world.people:
        post = person.post
        rows.append(
            {
                **{name: getattr(person, name) for name in _PEOPLE if hasattr(person, name)},
                "company_id": None if person.company is None else world.companies[person.company].company_id,
                "job_title": person.title or None,
                "department": post.department if post else None,
                "seniority": post.seniority if post else None,
                "decision_role": post.decision_role if post else None,
                "buying_role": post.buying_role if post else None,
                "work_email": person.work_email or None,
                "free_email": person.free_email or None,
            }
        )
    return rows


def _stages(world: World) -> list[dict[str, Any]]:
    return [
        {
            "company_id": company.company_id,
            "stage": stage,
            "stage_order": STAGES.index(stage) + 1,
            "entered_on": world.window.office_time(day).date(),
        }
        for company in world.companies
        for stage, day in company.journey.days.items()
    ]


def _deals(world: World, deals: Deals) -> list[dict[str, Any]]:
    return [
        {
            "deal_id": deal_id,
            "company_id": world.companies[deal.company].company_id,
            "pipeline": deal.pipeline,
            "product_id": PRODUCTS[deal.product].product_id,
            "amount_cny": deal.amount,
            "is_closed": deal.closed is not None,
            "is_won": deal.is_won,
        }
        for deal_id, deal in deals.truth
    ]
