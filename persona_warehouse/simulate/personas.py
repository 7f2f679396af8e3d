"""The model that companies come from: who they are, how well they fit, what they are worth. README.md explains it.

A company is born of a persona. The persona tilts some attributes and leaves the others as they are everywhere; the
attributes, not the persona's name, decide the chance to win and the value, so that both can be found from data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from persona_warehouse.simulate import words
from persona_warehouse.simulate.dice import generator

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PERSONAS = ("chain_growth", "factory_upgrade", "data_native", "background")
PERSONA_NAMES = ("连锁扩张型", "制造升级型", "数据原生型", "背景")
BACKGROUND = 3
SHARES = (0.17, 0.16, 0.15, 0.52)

# mean and deviation of the logarithm of the employees
SIZES = ((5.5, 0.5), (6.6, 0.55), (5.0, 0.5), (5.1, 1.0))

# weights over words.TRADES by their short names; what is not named does not occur, and none named: all alike
TRADE_WEIGHTS: dict[str, dict[str, float]] = {
    "chain_growth": {"商业": 5, "餐饮": 4, "食品": 3, "服饰": 3, "日化": 2},
    "factory_upgrade": {"精机": 4, "装备": 4, "汽配": 4, "电材": 3, "医疗": 1},
    "data_native": {"智能": 4, "数据": 4, "网络": 3, "软件": 3, "生物": 1},
    "background": {},
}

# what stands beside the market: never buys, mostly reads what the vendor says of itself and of others
RELATIONS = ("prospect", "competitor", "partner")
RELATION_SHARES = (0.92, 0.035, 0.045)


@dataclass(frozen=True)
class Attribute:
    """A property of a company with a few values.

    Attributes:
        usual: probabilities in the background.
        tilted: probabilities in the personas that differ; empty for an attribute that says nothing.
        coverage: how often anybody outside knows it.
    """

    name: str
    values: tuple[str, ...]
    usual: tuple[float, ...]
    tilted: dict[str, tuple[float, ...]]
    coverage: float = 0.75


YES_NO = ("yes", "no")

ATTRIBUTES = (
    # these differ
    Attribute(
        "digital_maturity",
        ("0", "1", "2", "3", "4"),
        (0.24, 0.30, 0.26, 0.13, 0.07),
        {
            "chain_growth": (0.02, 0.08, 0.70, 0.18, 0.02),
            "factory_upgrade": (0.05, 0.72, 0.18, 0.04, 0.01),
            "data_native": (0.0, 0.01, 0.05, 0.24, 0.70),
        },
        0.9,
    ),
    Attribute(
        "prior_solution",
        ("competitor", "no_felt_pain", "home_made", "semi_manual"),
        (0.12, 0.56, 0.08, 0.24),
        {
            "chain_growth": (0.05, 0.03, 0.03, 0.89),
            "factory_upgrade": (0.05, 0.03, 0.86, 0.06),
            "data_native": (0.88, 0.02, 0.07, 0.03),
        },
        0.9,
    ),
    Attribute("data_driven", YES_NO, (0.18, 0.82), {"chain_growth": (0.78, 0.22), "data_native": (0.94, 0.06)}, 0.9),
    Attribute("early_adopter", YES_NO, (0.16, 0.84), {"data_native": (0.92, 0.08), "chain_growth": (0.62, 0.38)}, 0.9),
    Attribute(
        "software_tools",
        ("few", "some", "many"),
        (0.62, 0.28, 0.10),
        {"data_native": (0.03, 0.12, 0.85), "factory_upgrade": (0.16, 0.76, 0.08)},
        0.9,
    ),
    Attribute(
        "employee_growth_2y",
        ("shrinking", "steady", "growing", "doubled"),
        (0.24, 0.48, 0.23, 0.05),
        {"chain_growth": (0.02, 0.10, 0.30, 0.58), "data_native": (0.03, 0.12, 0.60, 0.25)},
        0.9,
    ),
    Attribute(
        "publishing",
        ("rare", "monthly", "weekly"),
        (0.62, 0.30, 0.08),
        {"data_native": (0.05, 0.17, 0.78), "factory_upgrade": (0.86, 0.12, 0.02)},
        0.9,
    ),
    Attribute(
        "goal",
        ("cut_cost", "fast_growth", "better_process", "bottom_line", "social_mission"),
        (0.34, 0.10, 0.14, 0.36, 0.06),
        {
            "chain_growth": (0.06, 0.80, 0.06, 0.06, 0.02),
            "factory_upgrade": (0.14, 0.03, 0.78, 0.04, 0.01),
            "data_native": (0.06, 0.74, 0.14, 0.04, 0.02),
        },
        0.85,
    ),
    Attribute(
        "decision_leader",
        ("owner", "business", "it", "procurement"),
        (0.34, 0.16, 0.10, 0.40),
        {
            "chain_growth": (0.82, 0.12, 0.02, 0.04),
            "factory_upgrade": (0.05, 0.07, 0.82, 0.06),
            "data_native": (0.05, 0.82, 0.10, 0.03),
        },
        0.85,
    ),
    Attribute(
        "marketing_channel",
        ("offline_fairs", "search", "short_video", "content", "resellers"),
        (0.22, 0.26, 0.08, 0.06, 0.38),
        {
            "chain_growth": (0.05, 0.08, 0.78, 0.06, 0.03),
            "factory_upgrade": (0.80, 0.09, 0.02, 0.03, 0.06),
            "data_native": (0.04, 0.13, 0.05, 0.76, 0.02),
        },
        0.9,
    ),
    # these are the same everywhere
    Attribute("culture", ("engineering", "sales", "service", "family"), (0.28, 0.30, 0.24, 0.18), {}, 0.4),
    Attribute("team_structure", ("central", "dispersed"), (0.62, 0.38), {}),
    Attribute("social_influence", ("low", "medium", "high"), (0.55, 0.33, 0.12), {}),
    Attribute("boldness", ("careful", "moderate", "bold"), (0.40, 0.40, 0.20), {}, 0.5),
    Attribute("young_employer", YES_NO, (0.45, 0.55), {}, 0.6),
    Attribute("targeted_acquisition", YES_NO, (0.38, 0.62), {}, 0.6),
    Attribute("target_market", ("domestic", "export", "both"), (0.62, 0.14, 0.24), {}),
    Attribute("business_model", ("direct", "channel", "platform", "project"), (0.36, 0.30, 0.12, 0.22), {}),
    Attribute("ownership", ("private", "state", "foreign", "joint_venture"), (0.70, 0.14, 0.09, 0.07), {}, 0.9),
    Attribute("cloud_vendor", ("none", "cloud_a", "cloud_b", "cloud_c"), (0.26, 0.34, 0.24, 0.16), {}, 0.6),
    Attribute("erp_vendor", ("none", "erp_a", "erp_b", "erp_c"), (0.30, 0.28, 0.26, 0.16), {}, 0.6),
    Attribute("office_chat", ("chat_a", "chat_b", "chat_c"), (0.44, 0.36, 0.20), {}, 0.7),
    Attribute("funding_stage", ("未融资", "天使轮", "A轮", "B轮", "C轮", "已上市", "不需要融资"),
              (0.40, 0.08, 0.14, 0.10, 0.06, 0.08, 0.14), {}, 0.7),
    Attribute("site_language", ("zh", "zh_en"), (0.66, 0.34), {}, 0.95),
    Attribute("iso_certified", YES_NO, (0.48, 0.52), {}, 0.8),
    Attribute("exhibits", ("never", "yearly", "often"), (0.40, 0.42, 0.18), {}, 0.6),
    Attribute("office_owned", ("rented", "owned"), (0.68, 0.32), {}, 0.5),
    Attribute("work_week", ("five_days", "big_small_week", "six_days"), (0.55, 0.30, 0.15), {}, 0.4),
    Attribute("has_app", YES_NO, (0.34, 0.66), {}, 0.8),
    Attribute("patents", ("none", "some", "many"), (0.52, 0.36, 0.12), {}, 0.85),
    Attribute("profit_trend", ("down", "flat", "up"), (0.27, 0.40, 0.33), {}, 0.35),
    # almost nobody knows this one
    Attribute("valuation_band", ("below_100m", "100m_1b", "above_1b"), (0.70, 0.24, 0.06), {}, 0.03),
)  # fmt: skip
BY_NAME = {attribute.name: attribute for attribute in ATTRIBUTES}

# the log-odds to win. README.md gives the sum; the weights stand here alone
WIN_BASE = -4.5
WIN_WEIGHTS: dict[tuple[str, str], float] = {
    ("data_driven", "yes"): 1.1,
    ("early_adopter", "yes"): 0.8,
    ("digital_maturity", "1"): 0.5,
    ("digital_maturity", "2"): 1.1,
    ("digital_maturity", "3"): 1.2,
    ("digital_maturity", "4"): 1.0,
    ("prior_solution", "competitor"): 1.2,
    ("prior_solution", "home_made"): 1.4,
    ("prior_solution", "semi_manual"): 1.2,
    ("employee_growth_2y", "growing"): 0.5,
    ("employee_growth_2y", "doubled"): 1.0,
    ("decision_leader", "it"): 0.4,
    ("goal", "better_process"): 0.4,
    ("goal", "fast_growth"): 0.3,
}
# of the size: nothing up to exp(4) employees, this much for each e-fold above, at most two of them
WIN_PER_SIZE = 0.5

# the value beyond the chance: standardised, mean nought and deviation one over all companies
VALUE_WEIGHTS: dict[tuple[str, str], float] = {
    ("data_driven", "yes"): 0.5,
    ("employee_growth_2y", "doubled"): 0.6,
    ("employee_growth_2y", "growing"): 0.3,
    ("prior_solution", "home_made"): 0.5,
    ("prior_solution", "competitor"): 0.4,
    ("prior_solution", "no_felt_pain"): -0.6,
    ("publishing", "weekly"): 0.3,
}
VALUE_PER_SIZE = 0.35
VALUE_NOISE = 0.45


@dataclass(frozen=True)
class Profiles:
    """One entry for every company; codes point into PERSONAS, words.TRADES, RELATIONS and an attribute's values.

    Attributes:
        fit: the true log-odds to win; `win` the chance that follows, 0 for those who never buy.
        value: the latent value of the company as a customer.
    """

    persona: Ints
    trade: Ints
    relation: Ints
    employees: Ints
    attributes: dict[str, Ints]
    fit: Floats
    win: Floats
    value: Floats

    def text(self, company: int, attribute: str) -> str:
        """The value of an attribute of a company."""
        return BY_NAME[attribute].values[int(self.attributes[attribute][company])]


def probabilities(attribute: Attribute) -> Floats:
    """Persona by value."""
    return np.array([attribute.tilted.get(persona, attribute.usual) for persona in PERSONAS])


def profiles(seed: int, count: int) -> Profiles:
    """What `count` companies are. A company's draws do not depend on how many follow it."""
    persona = choose(generator(seed, "persona").random(count), np.array(SHARES)[None, :], np.zeros(count, np.int64))
    relation = choose(
        generator(seed, "relation").random(count), np.array(RELATION_SHARES)[None, :], np.zeros(count, np.int64)
    )
    # the first company is there to go the whole way; who stands beside the market is nobody's persona
    relation[0] = 0
    persona = np.where(relation > 0, BACKGROUND, persona)
    trade = choose(generator(seed, "trade").random(count), _trade_shares(), persona)
    beside = np.array([t.org_type in ("technology", "consulting", "investment") for t in words.TRADES])
    any_beside = np.flatnonzero(beside)
    trade = np.where(relation > 0, any_beside[generator(seed, "beside").integers(0, len(any_beside), count)], trade)
    mean, deviation = np.array(SIZES).T
    spread = generator(seed, "size").standard_normal(count)
    employees = np.clip(np.exp(mean[persona] + deviation[persona] * spread), 8, 60_000).astype(np.int64)
    attributes = {
        attribute.name: choose(generator(seed, f"attribute {attribute.name}").random(count), shares, persona)
        for attribute in ATTRIBUTES
        for shares in [probabilities(attribute)]
    }
    size = np.clip(np.log(employees) - 4.0, 0.0, 2.0)
    fit = WIN_BASE + WIN_PER_SIZE * size + _weighed(WIN_WEIGHTS, attributes)
    win = np.where(relation > 0, 0.0, 1 / (1 + np.exp(-fit)))
    raw = VALUE_PER_SIZE * size + _weighed(VALUE_WEIGHTS, attributes)
    raw = raw + VALUE_NOISE * generator(seed, "value").standard_normal(count)
    # standardised with the model's own mean and deviation, not the sample's: one company more changes no other
    value = (raw - VALUE_MEAN) / VALUE_DEVIATION
    return Profiles(persona, trade, relation, employees, attributes, fit, win, value)


# of the raw value over a hundred thousand companies
VALUE_MEAN, VALUE_DEVIATION = 0.838, 0.877


def choose(mark: Floats, shares: Floats, row: Ints) -> Ints:
    """For each mark in [0, 1) a code by the shares in its row."""
    edges = np.cumsum(shares, axis=1)
    return (mark[:, None] >= edges[row, :-1]).sum(axis=1).astype(np.int64)


def _trade_shares() -> Floats:
    rows = []
    for persona in PERSONAS:
        weights = TRADE_WEIGHTS[persona]
        known = [weights.get(trade.short, 0.0) if weights else 1.0 for trade in words.TRADES]
        rows.append(np.array(known) / sum(known))
    return np.array(rows)


def _weighed(weights: dict[tuple[str, str], float], attributes: dict[str, Ints]) -> Floats:
    total: Floats = np.zeros(len(next(iter(attributes.values()))))
    for name in dict.fromkeys(name for name, _ in weights):
        values = np.array([weights.get((name, value), 0.0) for value in BY_NAME[name].values])
        total = total + values[attributes[name]]
    return total
