"""Deals with their stages, the people in them, and what salespeople noted down around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from persona_warehouse.simulate import flaws, words
from persona_warehouse.simulate.crm_accounts import BUYING_ROLES, CARE, Accounts, owner
from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.records import TIME, Row, Sheet
from persona_warehouse.simulate.story import Journey
from persona_warehouse.simulate.world import Company, World

# the names that the field knows for what the sample CRM calls its stages
DEAL_STAGES = {
    "初步接洽": "Prospecting",
    "需求确认": "Qualification",
    "方案报价": "Proposal",
    "商务谈判": "Negotiation",
    "赢单": "Closed Won",
    "输单": "Closed Lost",
}
OPEN_STAGES = tuple(DEAL_STAGES)[:4]
CHANCE_TO_WIN = {"初步接洽": "0.1", "需求确认": "0.3", "方案报价": "0.5", "商务谈判": "0.8", "赢单": "1", "输单": "0"}
PIPELINES = {"新签": "new_business", "增购": "expansion", "续约": "renewal"}
DEAL_HEADERS = {
    "deal_id": "商机编号",
    "company_id": "客户编号",
    "name": "商机名称",
    "product": "产品",
    "amount": "金额",
    "currency": "币种",
    "pipeline": "销售流程",
    "stage": "阶段",
    "probability": "赢率",
    "created_at": "创建时间",
    "closed_at": "结单时间",
    "is_closed": "是否结单",
    "is_won": "是否赢单",
    "closed_reason": "输单原因",
    "competitor": "竞争对手",
    "prior_solution": "原有方案",
    "discount_pct": "折扣",
    "presales_hours": "售前工时",
    "owner_id": "负责人",
    "updated_at": "更新时间",
    "is_deleted": "已删除",
}
HISTORY_HEADERS = {"deal_id": "Deal ID", "stage": "Stage", "entered_at": "Changed At"}
ROLE_HEADERS = {"deal_id": "Deal ID", "contact_id": "Contact ID", "role": "Role", "is_primary": "Primary"}
# deals write their times so: no ISO
DEAL_TIME = "%Y/%m/%d %H:%M"


# what a salesperson calls the thing that was there before
PRIOR_WORDS = {
    "competitor": words.COMPETITORS,
    "no_felt_pain": ("无", "暂无系统"),
    "home_made": ("自研系统", "自己开发的系统"),
    "semi_manual": ("Excel手工", "半手工", "Excel+微信群"),
}
# stages that somebody made up and that no table of stages knows
UNMAPPED_STAGES = ("客户内部走流程", "待定（年后再说）")
UNMAPPED_SHARE = 0.012


@dataclass(frozen=True)
class Deal:
    """One deal as it truly went. Days of the story; `closed` is None while it is open; amount in CNY."""

    company: int
    pipeline: str
    product: int
    amount: int
    created: float
    closed: float | None
    is_won: bool
    reason: str
    steps: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Sold:
    """A deal with its id and the people in it, as world indices, the first one the main contact."""

    deal_id: str
    deal: Deal
    members: tuple[int, ...]


@dataclass
class Deals:
    """The three sheets, and the truth about the deals in the order of their ids."""

    deals: Sheet = field(
        default_factory=lambda: Sheet("crm/deals.csv", DEAL_HEADERS, "deal_id", ("备注",), time_format=DEAL_TIME)
    )
    history: Sheet = field(default_factory=lambda: Sheet("crm/deal_stage_history.csv", HISTORY_HEADERS, "deal_id"))
    roles: Sheet = field(default_factory=lambda: Sheet("crm/deal_contacts.csv", ROLE_HEADERS, "deal_id"))
    truth: list[Sold] = field(default_factory=list)
    # person -> (day, deal): when their lead became an opportunity, and which
    opportunities: dict[int, tuple[float, Deal]] = field(default_factory=dict)


def deals(world: World, book: Accounts) -> Deals:
    """Deals of the companies that the CRM knows; fills the leads' converted deal in `book`."""
    found = Deals()
    staff = world.staff()
    dice = Dice(world.seed, "crm deals")
    office = world.window.office_time
    for number, deal in enumerate(_plan(world, book), 1):
        deal_id = f"SJ{number:06d}"
        known = [
            person
            for person in staff[deal.company]
            if person in book.contacts_of and world.people[person].company == deal.company
        ]
        members = tuple(dice.sample(known, dice.whole(1, 4)))
        found.truth.append(Sold(deal_id, deal, members))
        steps = _written_steps(dice, deal)
        _deal_row(dice, world, book, found, deal, deal_id, steps)
        for stage, day in steps:
            moment = office(day)
            found.history.add(moment, deal_id=deal_id, stage=stage, entered_at=moment.strftime(TIME))
        for place, person in enumerate(members):
            role = next(word for word, means in BUYING_ROLES.items() if means == world.people[person].buying_role)
            since, contact_id = book.contacts_of[person]
            met = max(since, deal.created)
            found.roles.add(
                office(met),
                deal_id=deal_id,
                contact_id=contact_id,
                role=flaws.blank(dice, role, 0.5),
                is_primary="是" if place == 0 else "否",
            )
            lead = book.converted.get(person)
            if lead is not None and "converted_deal_id" not in lead.values and deal.pipeline == "新签":
                lead.values["converted_deal_id"] = ""
                sql = next(at for at, change in lead.changes if "converted_contact_id" in change)
                found.opportunities[person] = (met, deal)
                _convert(world, lead, deal, deal_id, max(sql, office(met)))
    dice = Dice(world.seed, "deals spoiled")
    found.deals.spoil(dice, "amount", "bad_money", "面议", count=2)
    found.deals.spoil(dice, "created_at", "bad_date", "2026年下半年")
    return found


def _convert(world: World, lead: Row, deal: Deal, deal_id: str, moment: datetime) -> None:
    """The lead becomes an opportunity with the deal, and a customer or nothing with its end."""
    lead.change(moment, lifecycle_stage="商机", lead_status="已转商机", converted_deal_id=deal_id)
    if deal.closed is not None and deal.is_won:
        lead.change(max(moment, world.window.office_time(deal.closed)), lifecycle_stage="成交客户")


def amount(dice: Dice, company: Company, product: int) -> int:
    """List price times the size of the company and its worth, in hundreds of CNY; a few run into hundreds of
    millions."""
    factor = (0.12 + company.employee_count / 600) * float(np.exp(0.25 * company.value)) * dice.between(0.7, 1.3)
    if dice.chance(0.006):
        factor *= 300
    return max(100, round(words.PRODUCTS[product].list_price * factor / 100) * 100)


def _plan(world: World, book: Accounts) -> list[Deal]:
    dice = Dice(world.seed, "deals")
    found: list[Deal] = []
    for index, company in enumerate(world.companies):
        if company.journey.at("weigh") is not None and index in book.company_ids:
            found += _deals_of(dice, company, float(world.window.days))
    found.sort(key=lambda deal: (deal.created, deal.company))
    return found


def _deals_of(dice: Dice, company: Company, days: float) -> list[Deal]:
    """The first purchase and others beside it; of a customer also what it bought later and its renewals."""
    story, found = company.journey, list[Deal]()
    weigh, use = story.at("weigh") or 0.0, story.at("use")

    def add(pipeline: str, created: float, closed: float | None, won: bool, product: int, price: int) -> None:
        if created > days - 0.06:
            return
        if closed is not None and closed > days - 0.03:
            closed = None
        main = pipeline == "新签" and created == weigh
        steps = _main_steps(dice, story, closed, won) if main else _steps(dice, created, closed, won, days)
        reasons = words.CHURN_REASONS if pipeline == "续约" else words.LOST_REASONS
        reason = dice.pick(reasons) if closed is not None and not won else ""
        won = won and closed is not None
        found.append(Deal(company.number, pipeline, product, price, created, closed, won, reason, steps))

    decided = story.at("decide") or story.ends
    if use is not None:
        ended: float | None = use
    elif story.is_lost:
        ended = decided + dice.between(0.05, 0.5) * max(story.ends - decided, 0.1)
    else:
        # gone quiet: most are closed some weeks after the last word, some are never tidied up
        quiet = story.ends + dice.span(30)
        ended = quiet if dice.chance(0.8) else None
    first = amount(dice, company, company.product)
    add("新签", weigh, ended, use is not None, company.product, first)
    for _ in range(dice.count(0.4)):
        created = weigh + (0.05 + 0.9 * dice.uniform()) * max(decided - weigh, 0.1)
        closed = created + dice.span(40) if dice.chance(0.85) else None
        product = _other(dice, company.product)
        add("新签", created, closed, use is not None and dice.chance(0.4), product, amount(dice, company, product))
    if use is None:
        return found
    years = (story.ends - use) / 365
    for _ in range(dice.count(0.5 * float(np.exp(0.4 * company.value)) * (0.5 + years))):
        created = use + dice.uniform() * max(story.ends - use, 0.1)
        closed = created + dice.span(35) if dice.chance(0.9) else None
        product = _other(dice, company.product)
        won = dice.chance(0.62)
        add("增购", created, closed, won, product, amount(dice, company, product))
    for before, at in zip(story.terms, story.terms[1:], strict=False):
        again = max(100, round(first * dice.between(0.92, 1.12) / 100) * 100)
        add("续约", max(at - 45, before + 0.7 * (at - before)), at, True, company.product, again)
    churn = story.at("churn")
    if churn is not None:
        before = story.terms[-1]
        add("续约", max(churn - 45, before + 0.7 * (churn - before)), churn, False, company.product, first)
    return found


def _other(dice: Dice, product: int) -> int:
    return (product + dice.whole(1, len(words.PRODUCTS) - 1)) % len(words.PRODUCTS)


def _main_steps(dice: Dice, story: Journey, closed: float | None, won: bool) -> tuple[tuple[str, float], ...]:
    """The stages of the first purchase follow the company: it weighs, is quoted when it comes to decide, and back."""
    buying = [(stage, day) for stage, day in story.entries if stage in ("weigh", "decide")]
    edges = [day for _, day in buying[1:]] + [closed if closed is not None else story.ends]
    found: list[tuple[str, float]] = []
    for (stage, since), until in zip(buying, edges, strict=True):
        names = OPEN_STAGES[:2] if stage == "weigh" else OPEN_STAGES[2:]
        if stage == "weigh" and found:
            names = names[1:]
        found.append((names[0], since))
        if len(names) > 1 and until > since and dice.chance(0.85):
            found.append((names[1], since + dice.between(0.25, 0.75) * (until - since)))
    if closed is not None:
        found.append(("赢单" if won else "输单", closed))
    return tuple(found)


def _steps(dice: Dice, created: float, closed: float | None, won: bool, days: float) -> tuple[tuple[str, float], ...]:
    """The stages of another deal with the day of each: some are skipped, some are gone through twice."""
    until = closed if closed is not None else days
    reached = dice.weighted((1, 2, 3, 4), (2, 3, 3, 2)) if closed is None or not won else 4
    stages = list(OPEN_STAGES[:reached])
    if len(stages) > 2 and dice.chance(0.08):
        stages.pop(dice.whole(1, len(stages) - 2))
    if len(stages) > 2 and dice.chance(0.06):
        stages[-1:] = [stages[-1], stages[-2], stages[-1]]
    width = (until - created) / len(stages)
    found = [(stages[0], created)]
    found += [(stage, created + width * (at + dice.between(-0.3, 0.3))) for at, stage in enumerate(stages[1:], 1)]
    if closed is not None:
        found.append(("赢单" if won else "输单", closed))
    return tuple(found)


def _written_steps(dice: Dice, deal: Deal) -> tuple[tuple[str, float], ...]:
    """The steps under the names that salespeople gave them: now and then one that nobody knows."""
    open_steps = [at for at, (stage, _) in enumerate(deal.steps) if stage in OPEN_STAGES]
    if not dice.chance(UNMAPPED_SHARE) or len(open_steps) < 2:
        return deal.steps
    at, name = dice.pick(open_steps[1:]), dice.pick(UNMAPPED_STAGES)
    return (*deal.steps[:at], (name, deal.steps[at][1]), *deal.steps[at + 1 :])


def _deal_row(
    dice: Dice,
    world: World,
    book: Accounts,
    found: Deals,
    deal: Deal,
    deal_id: str,
    steps: tuple[tuple[str, float], ...],
) -> None:
    company, window = world.companies[deal.company], world.window
    product, care = words.PRODUCTS[deal.product].name, CARE[owner(deal.company)]

    def blank(text: str, share: float) -> str:
        return flaws.blank(dice, text, min(share * care, 0.95))

    prior = world.profiles.text(deal.company, "prior_solution")
    if dice.chance(0.05):
        prior = dice.pick(tuple(PRIOR_WORDS))
    hours = dice.span(10 + 3 * len(steps))
    row = found.deals.add(
        window.office_time(deal.created),
        deal_id=deal_id,
        company_id=flaws.blank(dice, book.company_id(dice, deal.company, deal.created), 0.02),
        name=f"{company.short_name}{product}{deal.pipeline}",
        product=blank(product, 0.05),
        amount=blank(flaws.money(dice, deal.amount), 0.04),
        currency=blank("CNY", 0.6),
        pipeline=deal.pipeline,
        stage=steps[0][0],
        probability=CHANCE_TO_WIN.get(steps[0][0], ""),
        created_at=window.office_time(deal.created).strftime(DEAL_TIME),
        is_closed="否",
        is_won="否",
        competitor=blank(dice.pick(words.COMPETITORS), 0.6),
        prior_solution=blank(dice.pick(PRIOR_WORDS[prior]), 0.3) if deal.pipeline == "新签" else "",
        discount_pct=blank(str(dice.whole(0, 6) * 5), 0.4),
        presales_hours=blank(f"{hours:.1f}", 0.3),
        owner_id=owner(deal.company),
        is_deleted="否",
        备注=flaws.blank(dice, dice.pick(("需要招标", "老板已同意", "等预算", "法务在看合同")), 0.7),
    )
    deleted, saved = dice.chance(0.005) and deal.company > 2, dice.between(steps[-1][1], window.days - 0.01)
    for stage, day in steps[1:]:
        row.change(window.office_time(day), stage=stage, probability=CHANCE_TO_WIN.get(stage, ""))
    if deal.closed is not None:
        end: dict[str, Any] = {
            "closed_at": window.office_time(deal.closed).strftime(DEAL_TIME),
            "is_closed": "是",
            "is_won": "是" if deal.is_won else "否",
            "closed_reason": flaws.blank(dice, deal.reason, 0.25),
        }
        row.change(window.office_time(deal.closed), **end)
    row.change(window.office_time(saved), **({"is_deleted": "是"} if deleted else {}))
