"""What every customer is truly worth: the seven measures of a best customer, their rank, and the tier that follows."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from persona_warehouse.simulate.crm import Crm
from persona_warehouse.simulate.world import World

Floats = npt.NDArray[np.float64]

# the best tenth are S, the next three tenths A
TIER_SHARES = (0.1, 0.4)
# years over which a customer is valued, and the yearly discount for those who leave
LTV_YEARS = 3


def customers(world: World, crm: Crm, until: datetime) -> pa.Table:
    """One row per company that has bought by then; the score is the mean of its percentile ranks in the measures."""
    day = _story_day(world, until)
    count = len(world.companies)
    bought = np.full(count, np.inf)
    cycle, volume, deals = np.full(count, np.nan), np.zeros(count), np.zeros(count, dtype=np.int64)
    for sold in crm.sales.truth:
        deal = sold.deal
        if not deal.is_won or deal.closed is None or deal.closed > day:
            continue
        if deal.closed < bought[deal.company]:
            bought[deal.company], cycle[deal.company] = deal.closed, deal.closed - deal.created
        volume[deal.company] += deal.amount
        deals[deal.company] += 1
    sums = {what: np.zeros(count) for what in ("revenue", "cost", "hours", "nps", "answers")}
    for when, company, what, much in crm.service.truth:
        if when <= day:
            sums[what][company] += much
            sums["answers"][company] += what == "nps"
    referred = np.zeros(count)
    for when, company in crm.marketing.referred:
        referred[company] += when <= day
    is_customer = np.flatnonzero(np.isfinite(bought))
    spent = float(crm.marketing.spend_costs[crm.marketing.spend_days <= day].sum())
    profit = sums["revenue"] - sums["cost"]
    years = np.maximum((day - bought) / 365, 0.25)
    value = world.profiles.value
    stays = 1 - 1 / (1 + np.exp(1.3 + 0.9 * value))
    ltv = profit / years * sum(stays**year for year in range(LTV_YEARS))
    cac = spent / max(len(is_customer), 1)
    effort = sums["hours"] / np.maximum(sums["revenue"] / 10_000, 1)
    content = np.array([company.satisfaction for company in world.companies])
    measures = [-cycle, profit, volume, referred, -effort, ltv, content]
    score = np.mean([_percentiles(measure[is_customer]) for measure in measures], axis=0)
    rank = np.empty(len(score), dtype=np.int64)
    rank[np.lexsort((is_customer, -score))] = np.arange(1, len(score) + 1)
    share = rank / max(len(rank), 1)
    at = is_customer
    answers = sums["answers"][at]
    return pa.table(
        {
            "company_id": pa.array([world.companies[i].company_id for i in at.tolist()], pa.string()),
            "persona": pa.array([world.companies[i].persona for i in at.tolist()], pa.string()),
            "customer_since": pa.array([_date(world, d) for d in bought[at].tolist()], pa.date32()),
            "cycle_days": cycle[at],
            "revenue_cny": sums["revenue"][at],
            "gross_profit_cny": profit[at],
            "deal_count": deals[at],
            "deal_volume_cny": volume[at],
            "referral_count": referred[at].astype(np.int64),
            "support_hours": sums["hours"][at],
            "support_hours_per_10k": effort[at],
            "ltv_cny": ltv[at],
            "cac_cny": np.full(len(at), cac),
            "satisfaction": content[at],
            "nps_mean": pa.array(sums["nps"][at] / np.maximum(answers, 1), mask=answers == 0),
            "nps_answers": answers.astype(np.int64),
            "latent_value": value[at],
            "value_score": score,
            "value_rank": rank,
            "tier": pa.array(
                np.array(["S", "A", "B"])[np.searchsorted(np.array(TIER_SHARES), share)].tolist(), pa.string()
            ),
        }
    )


def _percentiles(values: Floats) -> Floats:
    """The share of values below, those alike counted half: ties fall together."""
    ordered = np.sort(values)
    below, upto = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (below + upto) / 2 / max(len(values), 1)


def _story_day(world: World, until: datetime) -> float:
    """The day of the story that a moment at the end of a day stands for."""
    return float((until.date() - world.window.first).days + 1)


def _date(world: World, day: float) -> date:
    return world.window.office_time(day).date()
