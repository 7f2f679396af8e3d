"""How marketing came by the leads: campaigns, their members, money spent, referrals, and the CRM's own stage stamps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa

from persona_warehouse.simulate import flaws
from persona_warehouse.simulate.crm_accounts import Accounts, LeadPath
from persona_warehouse.simulate.crm_deals import Deals
from persona_warehouse.simulate.crm_service import customer_days
from persona_warehouse.simulate.dice import Dice, generator
from persona_warehouse.simulate.records import TIME, Bulk, Sheet
from persona_warehouse.simulate.story import HISTORY_DAYS
from persona_warehouse.simulate.world import World

CAMPAIGN_HEADERS = {
    "campaign_id": "活动编号",
    "name": "活动名称",
    "campaign_type": "类型",
    "channel": "渠道",
    "started_at": "开始",
    "ended_at": "结束",
    "budget": "预算",
    "currency": "币种",
    "updated_at": "更新时间",
}
MEMBER_HEADERS = {
    "campaign_member_id": "编号",
    "campaign_id": "活动编号",
    "contact_id": "联系人编号",
    "lead_id": "线索编号",
    "status": "状态",
    "joined_at": "加入时间",
    "responded_at": "响应时间",
}
REFERRAL_HEADERS = {
    "referral_id": "推荐编号",
    "referrer_company_id": "推荐客户",
    "referrer_contact_id": "推荐人",
    "referred_company_id": "被推荐客户",
    "referred_lead_id": "被推荐线索",
    "referred_at": "推荐时间",
}
STAMP_HEADERS = {"record_type": "对象", "record_id": "编号", "stage": "阶段", "entered_at": "进入时间"}
RECORD_TYPES = {"线索": "lead", "客户": "company"}
MEMBER_STATES = {"已邀请": "invited", "已响应": "responded", "已到场": "attended"}

# the channel is the one that the links carry as utm_source; the name their utm_campaign
CAMPAIGNS = (
    ("HD-01", "brand-2026", "sem", "baidu", 0.0, 1.0),
    ("HD-02", "product-2026", "sem", "baidu", 0.0, 1.0),
    ("HD-03", "newsletter-2026", "email", "edm", 0.0, 1.0),
    ("HD-04", "expo-shanghai-2026", "event", "expo", 0.30, 0.32),
    ("HD-05", "article-2026", "social", "wechat", 0.0, 1.0),
    ("HD-06", "case-booklet-2026", "content", "wechat", 0.4, 1.0),
)
BY_SOURCE = {"百度推广": ("HD-01", "HD-02"), "展会": ("HD-04",), "公众号": ("HD-05", "HD-06"), "官网表单": ("HD-03",)}

SPEND_FILE = "crm/ad_spend.csv"
SPEND_COLUMNS = {
    "spend_date": "日期",
    "channel": "渠道",
    "campaign": "计划",
    "cost": "消费",
    "impressions": "展现",
    "clicks": "点击",
}
# channel, campaign, CNY a click, clicks a day for every hundred companies
SPEND = (("baidu", "brand-2026", 6.0, 3.0), ("baidu", "product-2026", 14.0, 2.4), ("wechat", "article-2026", 3.5, 1.6))
EXPO_COST_PER_COMPANY = 300

REFERRAL_SHARE = 0.85
# the CRM's stamps: some are missing, some were set days after the fact
STAMP_MISSING, STAMP_LATE = 0.06, 0.05


@dataclass
class Marketing:
    """The sheets, and the truth: the day and the world index of the customer of each referral, total spend by day."""

    spend: Bulk
    spend_days: np.ndarray
    spend_costs: np.ndarray
    campaigns: Sheet = field(
        default_factory=lambda: Sheet(
            "crm/campaigns.csv", CAMPAIGN_HEADERS, "campaign_id", time_format="%Y-%m-%d %H:%M"
        )
    )
    members: Sheet = field(
        default_factory=lambda: Sheet("crm/campaign_members.csv", MEMBER_HEADERS, "campaign_member_id")
    )
    referrals: Sheet = field(default_factory=lambda: Sheet("crm/referrals.csv", REFERRAL_HEADERS, "referral_id"))
    stamps: Sheet = field(default_factory=lambda: Sheet("crm/lifecycle_stage_history.csv", STAMP_HEADERS, "record_id"))
    referred: list[tuple[float, int]] = field(default_factory=list)


def marketing(world: World, book: Accounts, sales: Deals) -> Marketing:
    """Campaigns, members, spend, referrals and stage stamps."""
    found = _spend(world)
    _campaigns(world, book, found)
    _referrals(world, book, found)
    _stamps(world, book, sales, found)
    return found


def _campaigns(world: World, book: Accounts, found: Marketing) -> None:
    dice = Dice(world.seed, "campaigns")
    office, days = world.window.office_time, world.window.days
    for crm_id, name, kind, channel, first, last in CAMPAIGNS:
        found.campaigns.add(
            office(first * days),
            campaign_id=crm_id,
            name=name,
            campaign_type=kind,
            channel=channel,
            started_at=office(first * days).strftime("%Y-%m-%d"),
            ended_at=office(last * days - 0.02).strftime("%Y-%m-%d"),
            budget=flaws.money(dice, dice.whole(3, 60) * 10_000),
            currency="CNY",
        )
    started = {crm_id: first * days for crm_id, _, _, _, first, _ in CAMPAIGNS}
    number = 0
    for path in book.paths:
        person = world.people[path.person]
        campaign, invited = dice.pick(BY_SOURCE.get(person.lead_source, ("HD-03",))), dice.chance(0.25)
        own = person.lead_source in BY_SOURCE
        if path.raw < started[campaign] or not (own or invited):
            continue
        number += 1
        joined = office(path.raw)
        row = found.members.add(
            joined,
            campaign_member_id=f"CY{number:06d}",
            campaign_id=campaign,
            contact_id="",
            lead_id=path.lead_id,
            status="已邀请",
            joined_at=joined.strftime(TIME),
        )
        if own or dice.chance(0.3):
            answered = joined + timedelta(minutes=dice.whole(0, 600))
            status = "已到场" if campaign == "HD-04" else "已响应"
            row.change(answered, status=status, responded_at=answered.strftime(TIME))


def _spend(world: World) -> Marketing:
    """Clicks and cost by day in the window, by month before it, and the stand at the fair on its first day."""
    dice = generator(world.seed, "ad spend")
    firms, days = len(world.companies), world.window.days
    history = np.arange(-HISTORY_DAYS, 0, 30)
    day = np.tile(np.concatenate([history, np.arange(days)]), len(SPEND))
    at = np.repeat(np.arange(len(SPEND)), len(history) + days)
    length = np.where(day < 0, 30, 1)
    per_click, per_day = np.array([s[2] for s in SPEND])[at], np.array([s[3] for s in SPEND])[at]
    clicks = dice.poisson(np.maximum(per_day * firms / 100, 0.05) * length)
    cost = np.round(clicks * per_click * dice.uniform(0.8, 1.2, len(day)), 2)
    seen = clicks * dice.integers(20, 60, len(day))
    fair = int(0.30 * days)
    day, clicks, seen = np.append(day, fair), np.append(clicks, 0), np.append(seen, 0)
    cost = np.append(cost, float(EXPO_COST_PER_COMPANY * firms))
    names = [(channel, campaign) for channel, campaign, _, _ in SPEND] + [("expo", "expo-shanghai-2026")]
    at = np.append(at, len(SPEND))
    order = np.lexsort((at, day))
    date = (np.datetime64(world.window.first.isoformat()) + day.astype("timedelta64[D]"))[order]
    table = pa.table(
        {
            "日期": pa.array(date),
            "渠道": pa.array([names[i][0] for i in at[order].tolist()]),
            "计划": pa.array([names[i][1] for i in at[order].tolist()]),
            "消费": pa.array([f"{value:.2f}" for value in cost[order].tolist()]),
            "展现": pa.array(seen[order]),
            "点击": pa.array(clicks[order]),
            "born": pa.array(date.astype("datetime64[us]") + np.timedelta64(20, "h")),
        }
    )
    return Marketing(Bulk(SPEND_FILE, table, SPEND_COLUMNS), day[order], cost[order])


def _referrals(world: World, book: Accounts, found: Marketing) -> None:
    """Leads that came recommended: by whom of the customers of that day, the better ones more often."""
    dice = Dice(world.seed, "referrals")
    days = float(world.window.days)
    spans = [(c, span) for c in world.companies if (span := customer_days(c, days)) and c.number in book.company_ids]
    first = np.array([span[0] for _, span in spans])
    last = np.array([span[1] for _, span in spans])
    weight = np.array([float(np.exp(0.9 * c.value)) for c, _ in spans])
    leads = [path for path in book.paths if world.people[path.person].lead_source == "转介绍"]
    if not leads:
        # the smallest world has one all the same: the last lead was sent by the first customer
        leads = [LeadPath(path.lead_id, path.person, days - 0.03, None, None) for path in book.paths[-1:]]
    number = 0
    for path in leads:
        told, mark, known = dice.chance(REFERRAL_SHARE), dice.uniform(), dice.chance(0.6)
        able = np.flatnonzero((first <= path.raw) & (last > path.raw))
        if not len(able) or not (told or len(leads) == 1):
            continue
        edges = np.cumsum(weight[able])
        at = int(able[min(int(np.searchsorted(edges, mark * edges[-1])), len(able) - 1)])
        referrer = spans[at][0]
        number += 1
        person = world.people[path.person]
        moment = world.window.office_time(path.raw)
        company = "" if person.company is None else book.company_id(dice, person.company, path.raw)
        found.referrals.add(
            moment,
            referral_id=f"TJ{number:05d}",
            referrer_company_id=book.company_ids[referrer.number][0][1],
            referred_company_id=company if known else "",
            referred_lead_id=path.lead_id,
            referred_at=moment.strftime(TIME),
        )
        found.referred.append((path.raw, referrer.number))


def _stamps(world: World, book: Accounts, sales: Deals, found: Marketing) -> None:
    """When the CRM noticed each stage of a lead and of a company."""
    dice = Dice(world.seed, "stamps")
    rows: list[tuple[float, str, str, str]] = []
    for path in book.paths:
        steps = [("线索", path.raw), ("市场合格", path.mql), ("销售合格", path.sql)]
        rows += [(day, "线索", path.lead_id, stage) for stage, day in steps if day is not None]
    for person, (day, deal) in sales.opportunities.items():
        lead_id = book.converted[person].values["lead_id"]
        rows.append((day, "线索", lead_id, "商机"))
        if deal.is_won and deal.closed is not None:
            rows.append((max(day, deal.closed), "线索", lead_id, "成交客户"))
    labels = {"seek": "市场合格", "weigh": "销售合格", "decide": "商机", "use": "成交客户"}
    for index, ids in book.company_ids.items():
        since, crm_id = ids[0]
        for stage, label in labels.items():
            at = world.companies[index].journey.at(stage)
            if at is not None:
                rows.append((max(at, since) + 0.3, "客户", crm_id, label))
    for day, kind, crm_id, stage in sorted(rows):
        missing, late, delay = dice.chance(STAMP_MISSING), dice.chance(STAMP_LATE), dice.span(6)
        entered = day + delay if late else day
        if missing or entered > world.window.days - 0.01:
            continue
        moment = world.window.office_time(entered)
        found.stamps.add(moment, record_type=kind, record_id=crm_id, stage=stage, entered_at=moment.strftime(TIME))
