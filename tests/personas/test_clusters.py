"""Personas: those that made the companies come back, and where there are none it is said."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from persona_warehouse.personas.clusters import Personas, find_personas
from persona_warehouse.personas.latent_classes import Cells, fit_classes
from tests.personas.markets import Market, facts_of, market


def found_in(made: Market, seed: int = 7) -> Personas:
    return find_personas(made.facts, made.ids, made.named(made.buys), seed=seed)


def likeness(made: Market, found: Personas) -> float:
    """Adjusted Rand index over customers."""
    said = found.assigned["persona"].to_numpy(zero_copy_only=False).astype(float)
    return float(adjusted_rand_score(made.persona[made.buys], np.nan_to_num(said[made.buys], nan=0)))


@pytest.fixture(scope="module")
def four_hundred() -> tuple[Market, Personas]:
    made = market(400, seed=31)
    return made, found_in(made)


def test_the_personas_of_origin_come_back(four_hundred: tuple[Market, Personas]) -> None:
    made, found = four_hundred
    assert likeness(made, found) > 0.8
    assert len(found.personas) == 3
    assert all(one.stability is not None and one.stability >= 0.75 and one.lift is not None and one.lift > 1
               for one in found.personas)  # fmt: skip
    assert found.personas[0].customers > found.personas[-1].customers
    assert sum(choice.is_chosen for choice in found.choices) == 1


def test_every_account_has_a_place_and_a_probability(four_hundred: tuple[Market, Personas]) -> None:
    made, found = four_hundred
    table = found.assigned
    assert table["account_id"].to_pylist() == made.ids
    sums = sum(table[f"p{number}"].to_numpy(zero_copy_only=False) for number in range(4))
    np.testing.assert_allclose(sums, 1, atol=5e-4)
    for number, one in enumerate(found.personas, 1):
        assert table["persona"].to_pylist().count(number) == one.accounts
    assert table["persona"].to_pylist().count(0) > 100
    # what is told first of a persona is far from usual
    attribute, value, rate, usual = found.personas[0].profile[0]
    assert (attribute, value) and rate > 2 * usual


def test_the_same_again(four_hundred: tuple[Market, Personas]) -> None:
    made, found = four_hundred
    shuffled = made.facts.take(np.random.default_rng(2).permutation(made.facts.num_rows))
    again = find_personas(shuffled, made.ids[::-1], made.named(made.buys))
    assert again.assigned.equals(found.assigned)
    assert again.choices == found.choices


def test_noise_has_no_groups() -> None:
    dice = np.random.default_rng(4)
    ids = [f"a{number:03d}" for number in range(200)]
    rows = [(one, f"t{k}", str(dice.integers(3)), None) for one in ids for k in range(8)]
    found = find_personas(facts_of(rows), ids, ids[:50])
    assert found.personas == () and found.reason == "no attributes go together: there are no groups"
    assert found.assigned["persona"].null_count == 200


def test_two_customers_and_few_accounts_tell_nothing() -> None:
    made = market(60, seed=5)
    found = find_personas(made.facts, made.ids, made.ids[:2])
    assert found.personas == () and found.reason is not None and "cannot be known: 2 customers" in found.reason
    assert find_personas(facts_of([]), ["a"], ["a"]).reason is not None


def test_who_is_unknown_belongs_to_nobody(four_hundred: tuple[Market, Personas]) -> None:
    made, _ = four_hundred
    found = find_personas(made.facts, [*made.ids, "z_unknown"], made.named(made.buys))
    last = found.assigned.slice(400).to_pylist()[0]
    assert last["account_id"] == "z_unknown" and last["persona"] is None and last["known_attributes"] == 0


def test_customers_alone_still_fall_into_groups() -> None:
    """Only deals and companies that bought: no background can be told, so groups are personas."""
    made = market(900, seed=6)
    customers = made.named(made.buys)
    found = find_personas(made.facts, customers, customers)
    assert 1 <= len(found.personas) <= 3
    assert all(one.lift is None for one in found.personas)


def test_classes_have_the_rates_that_made_them() -> None:
    """Two classes of three attributes with two values each, a third of it unknown."""
    dice = np.random.default_rng(8)
    n = 3000
    first = dice.random(n) < 0.6
    yes = dice.random((n, 3)) < np.where(first[:, None], [0.9, 0.8, 0.9], [0.1, 0.3, 0.2])
    known = dice.random((n, 3)) > 1 / 3
    matrix = np.zeros((n, 6))
    matrix[:, 0::2], matrix[:, 1::2] = known & yes, known & ~yes
    classes = fit_classes(Cells(matrix, ("a", "b", "c"), (2, 2, 2), tuple("ynynyn")), 2, seed=1)
    np.testing.assert_allclose(classes.shares, [0.6, 0.4], atol=0.05)
    np.testing.assert_allclose(classes.rates[0::2, 0], [0.9, 0.8, 0.9], atol=0.06)
    np.testing.assert_allclose(classes.rates[0::2, 1], [0.1, 0.3, 0.2], atol=0.07)
    np.testing.assert_allclose(classes.rates[0::2] + classes.rates[1::2], 1)


@pytest.mark.heavy
@pytest.mark.parametrize("companies", [400, 1000, 2000])
def test_the_personas_of_origin_come_back_in_many_worlds(companies: int) -> None:
    found = []
    for seed in range(800, 804):
        made = market(companies, seed=seed)
        found.append(likeness(made, found_in(made)))
    assert min(found) >= 0.8, found
