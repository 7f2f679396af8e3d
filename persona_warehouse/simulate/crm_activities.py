"""What salespeople noted down around deals and leads: calls, visits, mails, demos. Made as arrays: they are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from persona_warehouse.simulate.crm_accounts import Accounts, owner
from persona_warehouse.simulate.crm_deals import Deals
from persona_warehouse.simulate.dice import generator
from persona_warehouse.simulate.records import FEWEST_TO_SPOIL, Spoiled, json_rows, json_text
from persona_warehouse.simulate.world import World

FILE = "crm/activities.jsonl"
TYPES = {
    "电话": "call",
    "拜访": "meeting",
    "线上会议": "meeting",
    "邮件": "email",
    "演示": "demo",
    "任务": "task",
    "备注": "note",
}
KINDS = tuple(TYPES)
KIND_SHARES = np.array((34, 12, 12, 20, 8, 7, 7)) / 100
TALKS = np.isin(KINDS, ("电话", "拜访", "线上会议", "演示"))
DIRECTED = np.isin(KINDS, ("电话", "邮件"))
DIRECTIONS = {"呼出": "outbound", "呼入": "inbound"}
OUTCOMES = ("完成", "未接通", "约下次", "待回复", "上线")
LIVE = OUTCOMES.index("上线")
MEMOS = ("客户关注价格", "约下周演示", "要案例", "技术答疑", "法务有异议", "IT部门反对")
HEADERS = {
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

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Activities:
    """Lines of JSON with the moment of each, in its order; `cut` is the place of a line that ends in its middle."""

    moments: npt.NDArray[np.datetime64]
    lines: pa.Array
    ids: list[str]
    cut: int | None

    def shown(self, until: datetime) -> tuple[list[str], list[Spoiled]]:
        """The lines up to a moment, and the one that cannot be read."""
        count = int(np.searchsorted(self.moments, np.datetime64(until), side="right"))
        lines = [line.removesuffix("\n") for line in self.lines[:count].to_pylist()]
        if self.cut is None or self.cut >= count:
            return lines, []
        lines[self.cut] = lines[self.cut][: len(lines[self.cut]) // 2]
        return lines, [Spoiled(FILE, self.cut + 1, self.ids[self.cut], None, "cut_line", "half of the line")]


@dataclass(frozen=True)
class _Plan:
    """Days and codes of activities: company and contact point into the CRM's own ids, deal into its deals."""

    day: npt.NDArray[np.float64]
    company: Ints
    contact: Ints
    deal: Ints
    kind: Ints
    outcome: Ints


def activities(world: World, book: Accounts, sales: Deals) -> Activities:
    """All activities in the order of their time."""
    parts = [_around_deals(world, sales), _handovers(world, sales), _around_leads(world, book)]
    plan = _Plan(*(np.concatenate([getattr(p, name) for p in parts]) for name in _Plan.__dataclass_fields__))
    kept = plan.day < world.window.days - 0.02
    order = np.flatnonzero(kept)[np.argsort(plan.day[kept], kind="stable")]
    plan = _Plan(*(getattr(plan, name)[order] for name in _Plan.__dataclass_fields__))
    dice = generator(world.seed, "activity texts")
    count = len(order)
    moments = world.window.office_times(plan.day)
    deal_ids = [sold.deal_id for sold in sales.truth]
    company_ids = [book.company_ids[i][0][1] if i in book.company_ids else None for i in range(len(world.companies))]
    contact_ids = [book.contacts_of[i][1] if i in book.contacts_of else None for i in range(len(world.people))]
    minutes = dice.integers(1, 13, count) * 5
    ids = [f"HD{number:07d}" for number in range(1, count + 1)]
    # the contact may have been entered later than the talk with them
    since = np.array([book.contacts_of[i][0] if i in book.contacts_of else np.inf for i in range(len(world.people))])
    contact = np.where((plan.contact >= 0) & (since[plan.contact] <= plan.day), plan.contact, -1)
    known = np.array(
        [book.company_ids[i][0][0] if i in book.company_ids else np.inf for i in range(len(world.companies))]
    )
    company = np.where((plan.company >= 0) & (known[plan.company] <= plan.day), plan.company, -1)
    owners = np.where(plan.company >= 0, plan.company, np.maximum(plan.contact, 0))
    columns = {
        "id": json_text(pa.array(ids)),
        "type": _words(plan.kind, KINDS),
        "account": _words(company, company_ids),
        "contact": _words(contact, contact_ids),
        "deal": _words(plan.deal, deal_ids),
        "owner": _words(owners % 12, [owner(i) for i in range(12)]),
        "direction": _words(
            np.where(DIRECTED[plan.kind], (dice.random(count) < 0.2).astype(np.int64), -1), tuple(DIRECTIONS)
        ),
        "outcome": _words(plan.outcome, OUTCOMES),
        "minutes": json_text(pa.array(minutes, mask=~(TALKS[plan.kind] & (dice.random(count) < 0.8)))),
        "time": _zoned(moments),
        "memo": _words(np.where(dice.random(count) < 0.4, dice.integers(0, len(MEMOS), count), -1), MEMOS),
    }
    cut = int(dice.integers(0, count)) if count >= FEWEST_TO_SPOIL else None
    return Activities(moments, json_rows(columns), ids, cut)


def _words(codes: Ints, words: Sequence[str | None]) -> pa.Array:
    mask = codes < 0
    return json_text(
        pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=mask), pa.array(words, pa.string()))
    )


def _zoned(moments: npt.NDArray[np.datetime64]) -> pa.Array:
    return json_text(
        pa.array([f"{text}+08:00" for text in np.datetime_as_string(moments, unit="s").tolist()], pa.string())
    )


def _around_deals(world: World, sales: Deals) -> _Plan:
    dice = generator(world.seed, "deal activities")
    created = np.array([sold.deal.created for sold in sales.truth])
    until = np.array([world.window.days if s.deal.closed is None else s.deal.closed for s in sales.truth])
    # nobody talks for years about a deal that was never tidied up
    until = np.minimum(until, created + 120)
    counts = 3 + dice.poisson(3.0, len(created))
    deal = np.repeat(np.arange(len(created)), counts)
    number = len(deal)
    members = [sold.members for sold in sales.truth]
    sizes = np.array([len(m) for m in members], dtype=np.int64)
    flat = np.array([person for m in members for person in m] or [-1])
    firsts = np.cumsum(sizes) - sizes
    some = (sizes[deal] > 0) & (dice.random(number) < 0.8)
    place = firsts[deal] + (dice.random(number) * sizes[deal]).astype(np.int64)
    contact = np.where(some, flat[np.minimum(place, len(flat) - 1)], -1)
    company = np.array([sold.deal.company for sold in sales.truth], dtype=np.int64)[deal]
    day = created[deal] + dice.random(number) * (until - created)[deal]
    kind = dice.choice(len(KINDS), number, p=KIND_SHARES)
    outcome = np.where(dice.random(number) < 0.7, dice.integers(0, LIVE, number), -1)
    return _Plan(day, company, contact, deal, kind, outcome)


def _handovers(world: World, sales: Deals) -> _Plan:
    """The handover after the signature: what shows that a customer began to use the thing."""
    dice = generator(world.seed, "handovers")
    won = [
        (number, sold)
        for number, sold in enumerate(sales.truth)
        if sold.deal.is_won and sold.deal.pipeline == "新签" and sold.deal.closed is not None
    ]
    closed = np.array([sold.deal.closed for _, sold in won], dtype=float)
    return _Plan(
        closed + dice.uniform(0.5, 6, len(won)),
        np.array([sold.deal.company for _, sold in won], dtype=np.int64),
        np.array([sold.members[0] if sold.members else -1 for _, sold in won], dtype=np.int64),
        np.array([number for number, _ in won], dtype=np.int64),
        np.full(len(won), KINDS.index("任务")),
        np.full(len(won), LIVE),
    )


def _around_leads(world: World, book: Accounts) -> _Plan:
    """One or two calls to most leads."""
    dice = generator(world.seed, "lead activities")
    leads = [(index, p.lead_at) for index, p in enumerate(world.people) if p.lead_at is not None]
    who = np.array([index for index, _ in leads], dtype=np.int64)
    at = np.array([day for _, day in leads], dtype=float)
    counts = dice.integers(0, 3, len(who))
    who, at = np.repeat(who, counts), np.repeat(at, counts)
    of = np.array([-1 if p.company is None else p.company for p in world.people], dtype=np.int64)
    return _Plan(
        at + dice.gamma(2.0, 1.0, len(who)),
        of[who],
        who,
        np.full(len(who), -1),
        np.full(len(who), KINDS.index("电话")),
        dice.integers(0, 3, len(who)),
    )
