"""What comes after the signature: invoices, tickets, usage, surveys. Money, effort and praise follow from the value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa

from persona_warehouse.simulate import flaws, words
from persona_warehouse.simulate.crm_accounts import Accounts
from persona_warehouse.simulate.crm_deals import Deals
from persona_warehouse.simulate.dice import Dice, generator
from persona_warehouse.simulate.records import TIME, Bulk, Sheet
from persona_warehouse.simulate.web_ids import user_id
from persona_warehouse.simulate.world import Company, World

INVOICE_HEADERS = {
    "invoice_id": "发票号",
    "company_id": "客户编号",
    "deal_id": "商机编号",
    "issued_at": "开票日期",
    "due_at": "应付日期",
    "paid_at": "回款日期",
    "amount": "金额",
    "cost_amount": "成本",
    "currency": "币种",
    "updated_at": "更新时间",
    "is_deleted": "作废",
}
TICKET_HEADERS = {
    "ticket_id": "id",
    "company_id": "account",
    "contact_id": "contact",
    "category": "category",
    "severity": "severity",
    "status": "status",
    "opened_at": "opened",
    "closed_at": "closed",
    "effort_hours": "hours",
    "updated_at": "updated",
}
SURVEY_HEADERS = {
    "survey_response_id": "答卷编号",
    "survey_type": "问卷",
    "company_id": "客户编号",
    "contact_id": "联系人编号",
    "score": "得分",
    "responded_at": "提交时间",
    "comment": "意见",
}
SURVEY_TYPES = {"推荐度": "nps", "工单满意度": "csat"}
SEVERITIES = {"紧急": "urgent", "高": "high", "中": "normal", "低": "low"}
TICKET_STATES = {"处理中": "open", "已解决": "closed"}
CATEGORIES = ("权限", "数据导入", "接口", "报表", "故障", "培训", "定制需求")
COMMENTS = ("响应很快", "希望开放更多接口", "报表不够用", "价格偏高", "已推荐给同行", "上手难")

FEATURES = ("dashboard", "import", "report", "approval", "mobile", "api")
USAGE_FILE = "crm/product_usage.parquet"
USAGE_COLUMNS = ("company_id", "user_id", "usage_date", "feature", "usage_count")


@dataclass
class Service:
    """The sheets, the usage, and the truth about customers: (day, world index, what, how much) with what being
    revenue or cost in CNY, hours of support, or nps."""

    usage: Bulk
    invoices: Sheet = field(default_factory=lambda: Sheet("crm/invoices.csv", INVOICE_HEADERS, "invoice_id"))
    tickets: Sheet = field(default_factory=lambda: Sheet("crm/tickets.jsonl", TICKET_HEADERS, "ticket_id"))
    surveys: Sheet = field(default_factory=lambda: Sheet("crm/surveys.csv", SURVEY_HEADERS, "survey_response_id"))
    truth: list[tuple[float, int, str, float]] = field(default_factory=list)


def service(world: World, book: Accounts, sales: Deals) -> Service:
    """Everything that happened with customers."""
    found = Service(_usage(world, book))
    _invoices(world, book, sales, found)
    _tickets(world, book, found)
    dice = Dice(world.seed, "service spoiled")
    found.invoices.spoil(dice, "due_at", "bad_date", "月底")
    found.tickets.spoil(dice, "effort_hours", "bad_number", "半天")
    return found


def customer_days(company: Company, days: float) -> tuple[float, float] | None:
    """The days from which and until which a company is a customer, if it ever is."""
    use = company.journey.at("use")
    return None if use is None else (use, company.journey.at("churn") or days)


def _invoices(world: World, book: Accounts, sales: Deals, found: Service) -> None:
    """One invoice for a small deal, two instalments for a larger one. Good customers pay sooner."""
    dice = Dice(world.seed, "invoices")
    office, end = world.window.office_time, world.window.days - 0.02
    plans = []
    for sold in sales.truth:
        deal = sold.deal
        if not deal.is_won or deal.closed is None:
            continue
        parts = (0.6, 0.4) if deal.amount >= 50_000 else (1.0,)
        for place, share in enumerate(parts):
            day = deal.closed + (dice.between(0.1, 2) if place == 0 else dice.between(25, 40))
            cents = round(deal.amount * share / 100) * 100
            plans.append((day if place else min(day, max(deal.closed, end - 0.001)), sold, max(cents, 100)))
    plans.sort(key=lambda plan: (plan[0], plan[1].deal_id))
    for number, (day, sold, price) in enumerate(plans, 1):
        company = world.companies[sold.deal.company]
        late = dice.between(-12, 18) - 9 * company.value
        issued, cost = office(day), round(price * (1 - company.margin) * dice.between(0.95, 1.05))
        currency, paid_day = flaws.blank(dice, "CNY", 0.5), day + 30 + late
        text = flaws.money(dice, price)
        crm_id = book.company_id(dice, company.number, day)
        if day > end:
            continue
        row = found.invoices.add(
            issued,
            invoice_id=f"FP{number:07d}",
            company_id=crm_id,
            deal_id=sold.deal_id,
            issued_at=issued.strftime("%Y-%m-%d"),
            due_at=(issued + timedelta(days=30)).strftime("%Y-%m-%d"),
            amount=text,
            cost_amount=str(cost),
            currency=currency,
            is_deleted="否",
        )
        if paid_day > day:
            row.change(office(paid_day), paid_at=office(paid_day).strftime("%Y-%m-%d"))
        at = sold.deal.company
        found.truth += [(day, at, "revenue", price), (day, at, "cost", cost)]


def _tickets(world: World, book: Accounts, found: Service) -> None:
    """Tickets of customers, and what they say in surveys. Poor customers need more help for their money."""
    dice = Dice(world.seed, "tickets")
    days = float(world.window.days)
    staff = world.staff()
    asked: list[tuple[float, int, int, str]] = []
    opened: list[tuple[float, int, int]] = []
    for company in world.companies:
        span = customer_days(company, days)
        if span is None or company.number not in book.company_ids:
            continue
        since, until = span
        known = [person for person in staff[company.number] if person in book.contacts_of]
        years = (until - since) / 365
        rate = 1.0 + 3.0 * float(np.exp(-0.5 * company.value)) * years
        for place in range(max(dice.count(rate), company.number == 0)):
            day = since + (0.1 if place == 0 and company.number == 0 else dice.uniform()) * (until - since)
            who = dice.pick(known) if known and dice.chance(0.8) else -1
            opened.append((day, company.number, who))
        for place in range(max(dice.count(0.4 + 2.0 * years), company.number == 0)):
            day = since + (0.3 if place == 0 and company.number == 0 else dice.uniform()) * (until - since)
            asked.append((day, company.number, dice.pick(known) if known else -1, "推荐度"))
    for number, (day, at, who) in enumerate(sorted(opened), 1):
        _ticket(dice, world, book, found, number, day, at, who, asked)
    for number, (day, at, who, kind) in enumerate(sorted(asked), 1):
        content = world.companies[at].satisfaction + dice.between(-1.2, 1.2)
        if kind != "推荐度":
            content = content / 2
        score = round(min(max(content, 0), 10 if kind == "推荐度" else 5))
        crm_id, comment = book.company_id(dice, at, day), flaws.blank(dice, dice.pick(COMMENTS), 0.6)
        if day > days - 0.02:
            continue
        moment = world.window.office_time(day)
        found.surveys.add(
            moment,
            survey_response_id=f"WJ{number:06d}",
            survey_type=kind,
            company_id=crm_id,
            contact_id=_contact(book, who, day),
            score=str(score),
            responded_at=moment.strftime(TIME),
            comment=comment,
        )
        if kind == "推荐度":
            found.truth.append((day, at, "nps", score))


def _contact(book: Accounts, who: int, day: float) -> str:
    """The contact as far as the CRM knew them by then."""
    since, crm_id = book.contacts_of.get(who, (0.0, ""))
    return crm_id if since <= day else ""


def _ticket(
    dice: Dice,
    world: World,
    book: Accounts,
    found: Service,
    number: int,
    day: float,
    at: int,
    who: int,
    asked: list[tuple[float, int, int, str]],
) -> None:
    company, office = world.companies[at], world.window.office_time
    hours = round(dice.span(3.2 * float(np.exp(-0.3 * company.value))) + 0.2, 1)
    closed, praised = day + dice.span(4.0), dice.chance(0.3)
    crm_id, kind = book.company_id(dice, at, day), dice.pick(CATEGORIES)
    severity = dice.weighted(tuple(SEVERITIES), (5, 20, 50, 25))
    if day > world.window.days - 0.02:
        return
    row = found.tickets.add(
        office(day),
        ticket_id=f"GD{number:06d}",
        company_id=crm_id,
        contact_id=_contact(book, who, day),
        category=kind,
        severity=severity,
        status="处理中",
        opened_at=office(day).strftime(TIME),
        effort_hours=str(hours),
    )
    row.change(office(closed), status="已解决", closed_at=office(closed).strftime(TIME))
    found.truth.append((day, at, "hours", hours))
    if praised:
        asked.append((closed, at, who, "工单满意度"))


def _usage(world: World, book: Accounts) -> Bulk:
    """Weekly counts by user and feature, within the window. A user is known by the number of their login."""
    dice = generator(world.seed, "usage")
    days, staff = float(world.window.days), world.staff()
    rows: list[tuple[int, int, float, float, float]] = []
    for company in world.companies:
        span = customer_days(company, days)
        if span is None or company.number not in book.company_ids:
            continue
        depth = float(np.exp(0.35 * company.value))
        users = [p for p in staff[company.number] if world.people[p].decision_role != "final"] or staff[company.number]
        rows += [(company.number, who, span[0], span[1], depth) for who in users[:3]]
    company_at, who = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    since, until, depth_of = (np.array([row[i] for row in rows], dtype=float) for i in (2, 3, 4))
    weeks = np.arange(0, world.window.days, 7)
    line, week = (grid.ravel() for grid in np.meshgrid(np.arange(len(rows)), weeks, indexing="ij"))
    # the date is the week's last day: a week is counted when it is over, the world's last one as it stands
    last = np.minimum(week + 6, world.window.days - 1)
    kept = (dice.random(len(line)) < 0.8) | (company_at[line] == 0)
    alive = (since[line] < last + 1) & (until[line] > week) & kept
    line, week, last = line[alive], week[alive], last[alive]
    feature = (who[line] + dice.integers(0, 2, len(line))) % len(FEATURES)
    count = 1 + dice.poisson(6 * depth_of[line])
    day = np.datetime64(world.window.first.isoformat()) + last.astype("timedelta64[D]")
    order = np.lexsort((who[line], last))
    numbers = [book.company_ids[at][0][1] if at in book.company_ids else "" for at in range(len(world.companies))]
    ids = [user_id(at) for at in range(len(world.people))]
    table = pa.table(
        {
            "company_id": pa.array(numbers).take(pa.array(company_at[line][order])),
            "user_id": pa.array(ids).take(pa.array(who[line][order])),
            "usage_date": pa.array(day[order]),
            "feature": pa.array(FEATURES).take(pa.array(feature[order])),
            "usage_count": pa.array(count[order]),
            "born": pa.array(day[order].astype("datetime64[us]") + np.timedelta64(20, "h")),
        }
    )
    return Bulk(USAGE_FILE, table, {name: name for name in USAGE_COLUMNS})


PRODUCTS_FILE = "crm/products.parquet"
PRODUCT_COLUMNS = ("product_id", "name", "family", "list_price", "currency")


def products() -> pa.Table:
    """The price list."""
    return pa.table(
        {
            "product_id": pa.array([product.product_id for product in words.PRODUCTS]),
            "name": pa.array([product.name for product in words.PRODUCTS]),
            "family": pa.array([product.family for product in words.PRODUCTS]),
            "list_price": pa.array([Decimal(product.list_price) for product in words.PRODUCTS], pa.decimal128(18, 2)),
            "currency": pa.array(["CNY"] * len(words.PRODUCTS)),
        }
    ).select(list(PRODUCT_COLUMNS))
