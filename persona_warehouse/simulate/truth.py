"""The known truth beside the files: what every inference of the pipeline is measured against. README.md tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from persona_warehouse.simulate import people, personas, story, titles, truth_customers
from persona_warehouse.simulate.crm import Crm
from persona_warehouse.simulate.crm_research import Fact, facts
from persona_warehouse.simulate.people import Person
from persona_warehouse.simulate.records import Identity, Spoiled
from persona_warehouse.simulate.titles import Post
from persona_warehouse.simulate.visits import product_aware
from persona_warehouse.simulate.words import PRODUCTS
from persona_warehouse.simulate.world import Company, World

STRING, WHOLE, NUMBER, YES, DAY, MOMENT = (
    pa.string(),
    pa.int64(),
    pa.float64(),
    pa.bool_(),
    pa.date32(),
    pa.timestamp("us"),
)

# facts that differ between personas because they follow from what differs
FOLLOWING = (
    "employee_count",
    "employee_count_2y_ago",
    "annual_revenue",
    "profit",
    "industry",
    "org_type",
    "industry_chain_position",
    *(f"employees_{name}" for name in ("sales", "rd", "production", "administration")),
)


def tables(
    world: World, crm: Crm, identities: Iterable[Identity], spoiled: Iterable[Spoiled], until: datetime
) -> dict[str, pa.Table]:
    """Each truth table by its file, as of a moment (local time). Ids of companies and people are the world's own."""
    everything = facts(world)
    found = {
        "companies": _companies(world, until),
        "company_attributes": _company_attributes(world, everything),
        "personas": _personas(),
        "attributes": _attributes(everything),
        "parameters": _parameters(world),
        "people": _people(world),
        "employments": _employments(world, until),
        "stages": _stages(world, until),
        "awareness": _awareness(world, until),
        "deals": _deals(world, crm, until),
        "lead_stages": _lead_stages(world, crm, until),
        "follows": _follows(world, crm, until),
        "customers": truth_customers.customers(world, crm, until),
        "identities": _table(dict.fromkeys(Identity._fields, STRING), [one._asdict() for one in identities]),
        "spoiled": _table(
            {"file": STRING, "row": WHOLE, "record_id": STRING, "field": STRING, "flaw": STRING, "written": STRING},
            [vars(row) for row in spoiled],
        ),
    }
    return {f"truth/{name}.parquet": table for name, table in found.items()}


def _table(columns: dict[str, pa.DataType], rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema(list(columns.items())))


def _companies(world: World, until: datetime) -> pa.Table:
    firms, profile = world.companies, world.profiles
    reached = [[stage for stage, day in c.journey.entries if world.window.office_time(day) <= until] for c in firms]
    columns: dict[str, Any] = {
        name: [getattr(company, name) for company in firms]
        for name in (
            "company_id", "kind", "legal_name", "short_name", "brand", "english_name", "traditional_name", "domain",
            "uscc", "address", "employee_count", "founded_year", "funding_stage", "relation", "persona",
        )
    }  # fmt: skip
    return pa.table(
        {
            **columns,
            "industry": [c.trade.industry for c in firms],
            "org_type": [c.trade.org_type for c in firms],
            "chain_position": [c.trade.chain_position for c in firms],
            "province": [c.place.province for c in firms],
            "city": [c.place.city for c in firms],
            "region_code": [c.place.region for c in firms],
            "annual_revenue_cny": [c.annual_revenue for c in firms],
            "parent_company_id": pa.array(
                [None if c.parent is None else firms[c.parent].company_id for c in firms], STRING
            ),
            "product_id": [PRODUCTS[c.product].product_id for c in firms],
            "fit_score": profile.fit,
            "win_probability": profile.win,
            "value": profile.value,
            "satisfaction": [c.satisfaction for c in firms],
            "buys": [any(stage == "use" for stage, _ in c.journey.entries) for c in firms],
            "furthest_stage": pa.array([max(s, key=story.STAGES.index) if s else None for s in reached], STRING),
            "is_lost": [c.journey.is_lost for c in firms],
        }
    )


def _company_attributes(world: World, everything: list[Fact]) -> pa.Table:
    """Company by attribute: what is so, whoever knows it."""
    ids = [company.company_id for company in world.companies]
    return pa.table(
        {
            "company_id": pa.array(ids * len(everything)),
            "attribute": pa.array([fact.name for fact in everything for _ in ids]),
            "value": pa.array([text for fact in everything for text in fact.true]),
        }
    )


def _personas() -> pa.Table:
    """Persona by attribute and value, with the probability that the model gives."""
    rows = []
    for attribute in personas.ATTRIBUTES:
        shares = personas.probabilities(attribute)
        for at, persona in enumerate(personas.PERSONAS):
            for value, share in zip(attribute.values, shares[at].tolist(), strict=True):
                rows.append(
                    {
                        "persona": persona,
                        "persona_name": personas.PERSONA_NAMES[at],
                        "persona_share": personas.SHARES[at],
                        "attribute": attribute.name,
                        "value": value,
                        "probability": share,
                        "win_log_odds": personas.WIN_WEIGHTS.get((attribute.name, value), 0.0),
                        "value_weight": personas.VALUE_WEIGHTS.get((attribute.name, value), 0.0),
                    }
                )
    text = dict.fromkeys(("persona", "persona_name"), STRING)
    numbers = dict.fromkeys(("probability", "win_log_odds", "value_weight"), NUMBER)
    return _table({**text, "persona_share": NUMBER, "attribute": STRING, "value": STRING, **numbers}, rows)


def _attributes(everything: list[Fact]) -> pa.Table:
    """Whether an attribute differs between the personas at all; so that false discoveries can be counted."""
    tilted = {attribute.name for attribute in personas.ATTRIBUTES if attribute.tilted}
    names = [fact.name for fact in everything]
    return pa.table(
        {
            "attribute": names,
            "is_distinguishing": [name in tilted or name in FOLLOWING for name in names],
            "follows_from_size_or_trade": [name in FOLLOWING for name in names],
            "coverage": [fact.coverage for fact in everything],
        }
    )


def _parameters(world: World) -> pa.Table:
    """The numbers of the model that a measurement may be compared with."""
    rows: list[tuple[str, float, str]] = [
        ("win_base", personas.WIN_BASE, "log-odds to win without any weight"),
        ("win_per_size", personas.WIN_PER_SIZE, "log-odds for each e-fold of employees above exp(4), two at most"),
        ("follower_lift", people.FOLLOWER_LIFT, "chance to become known: came to buy over came to learn"),
        ("known_share", people.KNOWN_SHARE, "chance that somebody who came to buy becomes known"),
        ("learner_share", people.LEARNER_SHARE, "share of people who come to learn"),
        ("usual_role", titles.USUAL_ROLE, "share of people whose decision role is that of their post"),
        ("history_days", story.HISTORY_DAYS, "days before the window that the CRM knows"),
        ("back_to_weigh", story.BACK_TO_WEIGH, "share of buyers that weigh once more after coming to decide"),
        *((f"lost_in_{stage}", share, "share of those who do not buy") for stage, share in story.LOST_IN.items()),
    ]
    names, values, texts = zip(*rows, strict=True)
    return pa.table({"name": names, "value": pa.array(values, NUMBER), "meaning": texts})


def _person_row(world: World, person: Person) -> dict[str, Any]:
    post = person.post
    return {
        "person_id": person.person_id,
        "company_id": None if person.company is None else world.companies[person.company].company_id,
        "full_name": person.full_name,
        "latin_name": person.latin_name,
        **_post_columns(post, person.title),
        "decision_role": person.decision_role or None,
        "buying_role": person.buying_role or None,
        "buying_influence": titles.buying_influence(person.decision_role, person.buying_role) if post else None,
        "influence": person.influence,
        "kpi": person.kpi or None,
        "pain": person.pain or None,
        "is_learner": person.learner,
        "work_email": person.work_email or None,
        "free_email": person.free_email or None,
        "mobile": person.mobile,
        "openid": person.openid,
        "unionid": person.unionid,
    }


def _post_columns(post: Post | None, title: str) -> dict[str, Any]:
    return {
        "job_title": title or None,
        "department": post.department if post else None,
        "job_function": post.function if post else None,
        "seniority": post.seniority if post else None,
    }


_POST = dict.fromkeys(("job_title", "department", "job_function", "seniority"), STRING)


def _people(world: World) -> pa.Table:
    columns = {
        **dict.fromkeys(("person_id", "company_id", "full_name", "latin_name"), STRING),
        **_POST,
        **dict.fromkeys(("decision_role", "buying_role", "buying_influence"), STRING),
        "influence": NUMBER,
        **dict.fromkeys(("kpi", "pain"), STRING),
        "is_learner": YES,
        **dict.fromkeys(("work_email", "free_email", "mobile", "openid", "unionid"), STRING),
    }
    return _table(columns, [_person_row(world, person) for person in world.people])


def _employments(world: World, until: datetime) -> pa.Table:
    """One row per person and employer; without an end the present one."""
    rows = []
    for person in world.people:
        if person.company is None:
            continue
        moved = person.move is not None and world.window.office_time(person.move.day) <= until
        day = world.window.office_time(person.move.day).date() if person.move is not None and moved else None
        spells: list[tuple[int, date | None, date | None, Post | None, str, str]] = [
            (person.company, None, day, person.post, person.title, person.work_email)
        ]
        if person.move is not None and moved:
            move = person.move
            spells.append((move.company, day, None, move.post, move.title, move.work_email))
        for company, since, left, post, title, email in spells:
            rows.append(
                {
                    "person_id": person.person_id,
                    "company_id": world.companies[company].company_id,
                    **_post_columns(post, title),
                    "work_email": email,
                    "since": since,
                    "until": left,
                }
            )
    return _table(
        {"person_id": STRING, "company_id": STRING, **_POST, "work_email": STRING, "since": DAY, "until": DAY}, rows
    )


def _stages(world: World, until: datetime) -> pa.Table:
    rows = []
    for company in world.companies:
        furthest = 0
        for number, (stage, day) in enumerate(company.journey.entries, 1):
            order, moment = story.STAGES.index(stage) + 1, world.window.office_time(day)
            if moment <= until:
                rows.append(
                    {
                        "company_id": company.company_id,
                        "entry_number": number,
                        "stage": stage,
                        "stage_order": order,
                        "entered_on": moment.date(),
                        "is_back_move": order < furthest,
                    }
                )
            furthest = order
    columns = {"company_id": STRING, "entry_number": WHOLE, "stage": STRING, "stage_order": WHOLE}
    return _table({**columns, "entered_on": DAY, "is_back_move": YES}, rows)


def awareness(company: Company) -> list[tuple[str, float]]:
    """When a company came to know its problem, that there are solutions, and the vendor's product."""
    need, seek = company.journey.entries[0][1], company.journey.at("seek")
    found = [("problem_aware", need)]
    if seek is not None:
        until = company.journey.at("weigh") or company.journey.ends
        found += [("solution_aware", seek), ("product_aware", product_aware(seek, until))]
    return found


def _awareness(world: World, until: datetime) -> pa.Table:
    rows = [
        {"company_id": company.company_id, "state": state, "entered_on": world.window.office_time(day).date()}
        for company in world.companies
        for state, day in awareness(company)
        if world.window.office_time(day) <= until
    ]
    return _table({"company_id": STRING, "state": STRING, "entered_on": DAY}, rows)


def _deals(world: World, crm: Crm, until: datetime) -> pa.Table:
    rows = []
    for sold in crm.sales.truth:
        deal, office = sold.deal, world.window.office_time
        if office(deal.created) > until:
            continue
        closed = deal.closed is not None and office(deal.closed) <= until
        rows.append(
            {
                "deal_id": sold.deal_id,
                "company_id": world.companies[deal.company].company_id,
                "pipeline": deal.pipeline,
                "product_id": PRODUCTS[deal.product].product_id,
                "amount_cny": deal.amount,
                "created_on": office(deal.created).date(),
                "closed_on": office(deal.closed).date() if deal.closed is not None and closed else None,
                "is_closed": closed,
                "is_won": deal.is_won and closed,
                "reason": (deal.reason or None) if closed else None,
                "prior_solution": world.profiles.text(deal.company, "prior_solution"),
                "person_ids": [world.people[member].person_id for member in sold.members],
            }
        )
    columns = {**dict.fromkeys(("deal_id", "company_id", "pipeline", "product_id"), STRING), "amount_cny": WHOLE}
    columns |= {"created_on": DAY, "closed_on": DAY, "is_closed": YES, "is_won": YES}
    columns |= {"reason": STRING, "prior_solution": STRING, "person_ids": pa.list_(STRING)}
    return _table(columns, rows)


def _lead_stages(world: World, crm: Crm, until: datetime) -> pa.Table:
    rows = []
    first: set[int] = set()
    for path in crm.book.paths:
        steps = [("raw", path.raw), ("mql", path.mql), ("sql", path.sql)]
        if path.person in crm.sales.opportunities and path.sql is not None and path.person not in first:
            first.add(path.person)
            day, deal = crm.sales.opportunities[path.person]
            steps.append(("opportunity", max(day, path.sql)))
            if deal.closed is not None:
                steps.append(("won" if deal.is_won else "lost", max(deal.closed, day, path.sql)))
        person = world.people[path.person]
        company = None if person.company is None else world.companies[person.company].company_id
        for stage, at in steps:
            if at is not None and world.window.office_time(at) <= until:
                rows.append(
                    {
                        "lead_id": path.lead_id,
                        "person_id": person.person_id,
                        "company_id": company,
                        "stage": stage,
                        "entered_on": world.window.office_time(at).date(),
                    }
                )
    columns = dict.fromkeys(("lead_id", "person_id", "company_id", "stage"), STRING)
    return _table({**columns, "entered_on": DAY}, rows)


def _follows(world: World, crm: Crm, until: datetime) -> pa.Table:
    """One row per follow of the account, with what came of the follower."""
    office = world.window.office_time
    won: dict[int, float] = {}
    for sold in crm.sales.truth:
        if sold.deal.is_won and sold.deal.closed is not None:
            for member in sold.members:
                won[member] = min(won.get(member, np.inf), sold.deal.closed)
    rows = []
    for index, person in enumerate(world.people):
        for follow in person.follows:
            if office(follow.since) > until:
                continue
            days = (follow.until, person.lead_at, won.get(index))
            left, lead, bought = (None if d is None or office(d) > until else office(d) for d in days)
            rows.append(
                {
                    "person_id": person.person_id,
                    "openid": person.openid,
                    "purpose": follow.purpose,
                    "followed_at": office(follow.since),
                    "unfollowed_at": left,
                    "lead_at": lead,
                    "won_at": bought,
                }
            )
    times = dict.fromkeys(("followed_at", "unfollowed_at", "lead_at", "won_at"), MOMENT)
    return _table({**dict.fromkeys(("person_id", "openid", "purpose"), STRING), **times}, rows)
