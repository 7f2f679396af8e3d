"""Deals with their stages, the people in them, and what salespeople noted down around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from persona_warehouse.simulate import flaws, words
from persona_warehouse.simulate.crm_accounts import BUYING_ROLES, Accounts, owner, text_time
from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.records import Sheet
from persona_warehouse.simulate.story import BUSINESS_ZONE, Journey
from persona_warehouse.simulate.world import World

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
ACTIVITY_TYPES = {
    "电话": "call",
    "拜访": "meeting",
    "线上会议": "meeting",
    "邮件": "email",
    "演示": "demo",
    "任务": "task",
    "备注": "note",
}
DIRECTIONS = {"呼出": "outbound", "呼入": "inbound"}

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
ACTIVITY_HEADERS = {
    "activity_id": "id",
    "activity_type": "type",
    "company_id": "account",
    "contact_id": "contact",
    "deal_id": "deal",
    "owner_id": "owner",
    "direction": "direction",
    "outcome": "outcome",
    "minutes": "minutes",
    "occurred_at": "time",
}

# deals write their times so: no ISO
DEAL_TIME = "%Y/%m/%d %H:%M"


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
    steps: tuple[tuple[str, float], ...]


@dataclass
class Deals:
    """The four sheets, and the truth about the deals: (deal id, index of the company, deal)."""

    deals: Sheet = field(default_factory=lambda: Sheet("crm/deals.csv", DEAL_HEADERS, ("备注",)))
    history: Sheet = field(default_factory=lambda: Sheet("crm/deal_stage_history.csv", HISTORY_HEADERS))
    roles: Sheet = field(default_factory=lambda: Sheet("crm/deal_contacts.csv", ROLE_HEADERS))
    activities: Sheet = field(default_factory=lambda: Sheet("crm/activities.jsonl", ACTIVITY_HEADERS, ("memo",)))
    truth: list[tuple[str, Deal]] = field(default_factory=list)


def deals(world: World, book: Accounts) -> Deals:
    """Deals and activities of the companies that the CRM knows; fills the leads' converted deal in `book`."""
    found = Deals()
    planned = _plan(world, book)
    staff = world.staff()
    dice = Dice(world.seed, "crm deals")
    moments: list[tuple[datetime, dict[str, Any]]] = []
    for number, deal in enumerate(planned, 1):
        deal_id = f"SJ{number:06d}"
        known = [person for person in staff[deal.company] if person in book.contact_ids]
        members = dice.sample(known, dice.whole(1, 4))
        found.truth.append((deal_id, deal))
        found.deals.rows.append(_deal_row(dice, world, book, deal, deal_id))
        for stage, day in deal.steps:
            moment = text_time(world.window.office_time(day))
            found.history.rows.append({"deal_id": deal_id, "stage": stage, "entered_at": moment})
        for place, person in enumerate(members):
            post = world.people[person].post
            role = next(word for word, means in BUYING_ROLES.items() if post and means == post.buying_role)
            found.roles.rows.append(
                {
                    "deal_id": deal_id,
                    "contact_id": book.contact_ids[person],
                    "role": flaws.blank(dice, role, 0.5),
                    "is_primary": "是" if place == 0 else "否",
                }
            )
            lead = book.converted.get(person)
            if lead is not None and not lead["converted_deal_id"] and deal.pipeline == "新签":
                lead["converted_deal_id"] = deal_id
        moments += _deal_activities(dice, world, book, deal, deal_id, members)
    moments += _lead_activities(world, book)
    moments.sort(key=lambda moment: moment[0])
    for number, (_, row) in enumerate(moments, 1):
        found.activities.rows.append({"activity_id": f"HD{number:07d}", **row})
    dice = Dice(world.seed, "deals spoiled")
    found.deals.spoil(dice, "deal_id", "amount", "bad_money", "面议", count=2)
    found.deals.spoil(dice, "deal_id", "created_at", "bad_date", "2026年下半年")
    found.activities.cut(dice, "activity_id")
    return found


def _amount(dice: Dice, world: World, company: int, product: int) -> int:
    """List price times the size of the company, in hundreds of CNY; a few run into hundreds of millions."""
    size = world.companies[company].employee_count
    factor = (0.4 + size / 400) * dice.between(0.6, 1.4)
    if dice.chance(0.01):
        factor *= 300
    return max(100, round(words.PRODUCTS[product].list_price * factor / 100) * 100)


def _plan(world: World, book: Accounts) -> list[Deal]:
    dice = Dice(world.seed, "deals")
    days = float(world.window.days)
    found: list[Deal] = []
    for index, company in enumerate(world.companies):
        story = company.journey
        weigh, use = story.at("weigh"), story.at("use")
        if weigh is None or index not in book.company_ids:
            continue

        def add(
            pipeline: str,
            created: float,
            closed: float | None,
            won: bool,
            product: int,
            at: int = index,
            story: Journey = story,
        ) -> None:
            if created > days - 0.06:
                return
            if closed is not None and closed > days - 0.03:
                closed = None
            steps = _steps(dice, pipeline, created, closed, won, story, days)
            amount = _amount(dice, world, at, product)
            found.append(Deal(at, pipeline, product, amount, created, closed, won and closed is not None, steps))

        decided = story.at("decide") or story.ends
        lost_at = decided + dice.between(0.05, 0.5) * max(story.ends - decided, 0.1) if story.is_lost else None
        add("新签", weigh, use if use is not None else lost_at, use is not None, company.product)
        for _ in range(dice.count(0.6)):
            created = weigh + dice.uniform() * max(decided - weigh, 0.1)
            closed = created + dice.uniform() * (days - created) if dice.chance(0.75) else None
            add("新签", created, closed, use is not None and dice.chance(0.4), _other(dice, company.product))
        if use is None:
            continue
        for _ in range(dice.count(0.9)):
            created = use + dice.uniform() * max(story.ends - use, 0.1)
            closed = created + dice.uniform() * (days - created) if dice.chance(0.7) else None
            add("增购", created, closed, dice.chance(0.55), _other(dice, company.product))
        for outcome in ("renew", "churn"):
            at = story.at(outcome)
            if at is not None:
                add("续约", use + 0.7 * (at - use), at, outcome == "renew", company.product)
    found.sort(key=lambda deal: (deal.created, deal.company))
    return found


def _other(dice: Dice, product: int) -> int:
    return (product + dice.whole(1, len(words.PRODUCTS) - 1)) % len(words.PRODUCTS)


def _steps(
    dice: Dice, pipeline: str, created: float, closed: float | None, won: bool, story: Journey, days: float
) -> tuple[tuple[str, float], ...]:
    """The stages of a deal with the day of each: some are skipped, some are gone through twice."""
    until = closed if closed is not None else days
    reached = dice.weighted((1, 2, 3, 4), (2, 3, 3, 2)) if closed is None or not won else 4
    stages = list(OPEN_STAGES[:reached])
    if len(stages) > 2 and dice.chance(0.08):
        stages.pop(dice.whole(1, len(stages) - 2))
    if len(stages) > 2 and dice.chance(0.06):
        stages[-1:] = [stages[-1], stages[-2], stages[-1]]
    decide = story.at("decide")
    if pipeline == "新签" and stages[-1] == "商务谈判" and decide is not None and created < decide < until:
        # talks about money and terms begin when the company comes to decide
        width, last = (decide - created) / (len(stages) - 1), decide
    else:
        width = (until - created) / len(stages)
        last = created + width * (len(stages) - 1)
    found = [(stages[0], created)]
    found += [(stage, created + width * (at + dice.between(-0.3, 0.3))) for at, stage in enumerate(stages[1:-1], 1)]
    if len(stages) > 1:
        found.append((stages[-1], last))
    if closed is not None:
        found.append(("赢单" if won else "输单", closed))
    return tuple(found)


def _deal_row(dice: Dice, world: World, book: Accounts, deal: Deal, deal_id: str) -> dict[str, Any]:
    company = world.companies[deal.company]
    product = words.PRODUCTS[deal.product].name
    window = world.window
    stage = deal.steps[-1][0]
    last = deal.steps[-1][1]
    is_lost = deal.closed is not None and not deal.is_won
    reasons = words.CHURN_REASONS if deal.pipeline == "续约" else words.LOST_REASONS
    ids = book.company_ids[deal.company]
    return {
        "deal_id": deal_id,
        "company_id": flaws.blank(dice, ids[-1] if dice.chance(0.3) else ids[0], 0.02),
        "name": f"{company.short_name}{product}{deal.pipeline}",
        "product": flaws.blank(dice, product, 0.05),
        "amount": flaws.blank(dice, flaws.money(dice, deal.amount), 0.04),
        "currency": flaws.blank(dice, "CNY", 0.6),
        "pipeline": deal.pipeline,
        "stage": stage,
        "probability": CHANCE_TO_WIN[stage],
        "created_at": window.office_time(deal.created).strftime(DEAL_TIME),
        "closed_at": window.office_time(deal.closed).strftime(DEAL_TIME) if deal.closed is not None else "",
        "is_closed": "是" if deal.closed is not None else "否",
        "is_won": "是" if deal.is_won else "否",
        "closed_reason": flaws.blank(dice, dice.pick(reasons), 0.3) if is_lost else "",
        "competitor": flaws.blank(dice, dice.pick(words.COMPETITORS), 0.6),
        "prior_solution": flaws.blank(dice, dice.pick(words.PRIOR_SOLUTIONS), 0.4),
        "discount_pct": flaws.blank(dice, str(dice.whole(0, 6) * 5), 0.4),
        "presales_hours": flaws.blank(dice, f"{dice.span(16):.1f}", 0.4),
        "owner_id": owner(deal.company),
        "updated_at": window.office_time(dice.between(last, window.days - 0.01)).strftime(DEAL_TIME),
        "is_deleted": "是" if dice.chance(0.005) and len(book.companies.rows) > 20 else "否",
        "备注": flaws.blank(dice, dice.pick(("需要招标", "老板已同意", "等预算", "法务在看合同")), 0.7),
    }


def _activity(
    dice: Dice, world: World, day: float, kind: str, outcome: str, company: str, contact: str, deal: str, by: str
) -> tuple[datetime, dict[str, Any]]:
    moment = world.window.office_time(day)
    talks = kind in ("电话", "拜访", "线上会议", "演示")
    return moment, {
        "activity_type": kind,
        "company_id": company,
        "contact_id": contact,
        "deal_id": deal,
        "owner_id": by,
        "direction": ("呼入" if dice.chance(0.2) else "呼出") if kind in ("电话", "邮件") else "",
        "outcome": outcome,
        "minutes": dice.whole(1, 12) * 5 if talks and dice.chance(0.8) else "",
        "occurred_at": moment.replace(tzinfo=BUSINESS_ZONE).isoformat(),
        "memo": flaws.blank(dice, dice.pick(("客户关注价格", "约下周演示", "要案例", "技术答疑")), 0.6),
    }


def _deal_activities(
    dice: Dice, world: World, book: Accounts, deal: Deal, deal_id: str, members: list[int]
) -> list[tuple[datetime, dict[str, Any]]]:
    until = deal.closed if deal.closed is not None else world.window.days - 0.02
    company_id = book.company_ids[deal.company][0]
    by = owner(deal.company)
    found = []
    for _ in range(3 + dice.count(3.0)):
        kind = dice.weighted(tuple(ACTIVITY_TYPES), (34, 12, 12, 20, 8, 7, 7))
        outcome = flaws.blank(dice, dice.pick(("完成", "未接通", "约下次", "待回复")), 0.3)
        contact = book.contact_ids[dice.pick(members)] if members and dice.chance(0.8) else ""
        day = dice.between(deal.created, until)
        found.append(_activity(dice, world, day, kind, outcome, company_id, contact, deal_id, by))
    if deal.is_won and deal.pipeline == "新签" and deal.closed is not None:
        # the handover after the signature: what shows that a customer began to use the thing
        day = deal.closed + dice.between(0.5, 6)
        if day < world.window.days - 0.02:
            contact = book.contact_ids[members[0]] if members else ""
            found.append(_activity(dice, world, day, "任务", "上线", company_id, contact, deal_id, by))
    return found


def _lead_activities(world: World, book: Accounts) -> list[tuple[datetime, dict[str, Any]]]:
    """One or two calls to most leads."""
    dice = Dice(world.seed, "lead activities")
    found = []
    for index, person in enumerate(world.people):
        if person.lead_at is None:
            continue
        for _ in range(dice.whole(0, 2)):
            day = person.lead_at + dice.span(2.0)
            if day > world.window.days - 0.02:
                continue
            company = book.company_ids[person.company][0] if person.company in book.company_ids else ""
            outcome = dice.pick(("完成", "未接通", "约下次"))
            contact = book.contact_ids.get(index, "")
            by = owner(person.company or index)
            found.append(_activity(dice, world, day, "电话", outcome, company, contact, "", by))
    return found
