"""Traits: figures by hand, what is not said and why, false discoveries and power on known truth."""

from __future__ import annotations

import numpy as np
import pytest

from persona_warehouse.personas.traits import benjamini_hochberg, find_traits
from tests.personas.markets import TRUE_TRAITS, facts_of, market

BEST = [f"b{number}" for number in range(20)]
REST = [f"r{number}" for number in range(60)]
Row = tuple[str, str, str | None, float | None]


def fill(attribute: str, best: dict[str, int], rest: dict[str, int]) -> list[Row]:
    """So many accounts of each side with a value."""
    rows: list[Row] = []
    for accounts, counts in ((BEST, best), (REST, rest)):
        values = [value for value, n in counts.items() for _ in range(n)]
        rows += [(account, attribute, value, None) for account, value in zip(accounts, values, strict=False)]
    return rows


def test_figures_by_hand() -> None:
    found = find_traits(facts_of(fill("erp", {"a": 15, "b": 5}, {"a": 12, "b": 36})), BEST, REST)
    one = next(trait for trait in found.traits if trait.value == "a")
    assert (one.best, one.best_n, one.rest, one.rest_n) == (15, 20, 12, 48)
    assert (one.share_best, one.share_rest, one.lift) == (0.75, 0.25, 3.0)
    # log of (15.5 * 36.5) / (5.5 * 12.5), plus and minus 1.96 times the root of 1/15.5 + 1/36.5 + 1/5.5 + 1/12.5
    assert one.log_odds == pytest.approx(2.10768, abs=1e-5)
    assert (one.log_odds_low, one.log_odds_high) == pytest.approx((0.94198, 3.27337), abs=1e-5)
    # Newcombe: Wilson's intervals are 0.53130 to 0.88814 and 0.14921 to 0.38784
    assert (one.difference_low, one.difference_high) == pytest.approx((0.24148, 0.67100), abs=1e-5)
    assert one.p == pytest.approx(0.00025959, abs=1e-8) and one.is_distinguishing
    assert found.attributes[0].coverage == pytest.approx(68 / 80)


def test_what_is_not_said_says_why() -> None:
    rows = fill("rare", {"x": 1}, {"x": 1}) + fill("alike", {"x": 20}, {"x": 60})
    rows += fill("known_best", {"x": 9, "y": 9}, {})
    rows += fill("score", {"top": 20}, {"low": 60}) + fill("revenue_band", {"a": 10, "b": 10}, {"a": 30, "b": 30})
    rows += [(account, "name", account, None) for account in BEST + REST]
    found = find_traits(facts_of(rows), BEST, REST, definitions={"revenue_band": "the score adds up revenue"})
    reasons = {each.attribute: each.reason for each in found.attributes}
    assert found.traits == ()
    assert reasons == {
        "rare": "known for 2% of the accounts only",
        "alike": "the same for all that are known",
        "known_best": "known for 18 of the best and 0 of the others; 5 of each are needed",
        "score": "it tells who is best all but by itself, so it is part of the definition or follows from it",
        "revenue_band": "it defines who is best: the score adds up revenue",
        "name": "80 differing values: a name or a text",
    }


def test_two_customers_tell_nothing() -> None:
    found = find_traits(facts_of(fill("erp", {"a": 2}, {"b": 60})), BEST[:2], REST)
    assert found.traits == () and found.attributes == ()
    assert found.reason == "cannot be known: 2 best and 60 others; 5 of each are needed"


def test_nothing_known_is_no_crash() -> None:
    assert find_traits(facts_of([]), BEST, REST).traits == ()


def test_several_values_and_numbers() -> None:
    rows: list[Row] = fill("channel", {"fair": 18}, {"fair": 12})
    rows += [(one, "channel", "search", None) for one in BEST + REST]
    rows += [(one, "size", None, 300.0 + n) for n, one in enumerate(BEST)]
    rows += [(one, "size", None, 20.0 + 10 * n) for n, one in enumerate(REST)]
    found = find_traits(facts_of(rows), BEST, REST)
    traits = {(one.attribute, one.value): one for one in found.traits}
    fair = traits["channel", "fair"]
    assert (fair.best, fair.best_n, fair.rest, fair.rest_n) == (18, 20, 12, 60) and fair.is_distinguishing
    assert not traits["channel", "search"].is_distinguishing
    bands = {value: (one.best, one.rest) for (attribute, value), one in traits.items() if attribute == "size"}
    assert bands == {
        "below 217.5": (0, 20), "217.5 to 310": (10, 9), "310 to 412.5": (10, 11), "412.5 and more": (0, 20),
    }  # fmt: skip


def test_adjustment_by_hand() -> None:
    adjusted = benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5]))
    assert adjusted.tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def rates(companies: int, seeds: range) -> tuple[float, float]:
    """False discovery rate and power over attributes, at 50 best customers."""
    false, power = [], []
    for seed in seeds:
        made = market(companies, seed=seed)
        best = made.best(50)
        traits = find_traits(made.facts, best, sorted(set(made.ids) - set(best)))
        found = {one.attribute for one in traits.attributes if one.is_distinguishing} - {"industry", "employee_count"}
        false.append(len(found - TRUE_TRAITS) / max(len(found), 1))
        power.append(len(found & TRUE_TRAITS) / len(TRUE_TRAITS))
    return float(np.mean(false)), float(np.mean(power))


def test_what_is_said_is_so_and_what_is_so_is_said() -> None:
    false, power = rates(400, range(500, 506))
    assert false < 0.10 and power > 0.80, (false, power)


@pytest.mark.heavy
@pytest.mark.parametrize("companies", [300, 600, 1500])
def test_false_discoveries_and_power_over_many_worlds(companies: int) -> None:
    false, power = rates(companies, range(600, 630))
    assert false < 0.10 and power > 0.80, (false, power)


def test_of_nothing_that_differs_hardly_anything_is_said() -> None:
    """The best are drawn at random: in 20 markets at most 3 say a trait (5 % of them would)."""
    made = market(300, seed=700)
    dice = np.random.default_rng(1)
    said = 0
    for _ in range(20):
        best = set(dice.permutation(made.ids)[:50].tolist())
        traits = find_traits(made.facts, best, set(made.ids) - best, seed=3)
        said += any(one.is_distinguishing for one in traits.traits)
    assert said <= 3
