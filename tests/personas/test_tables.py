"""The tables that dbt's Python models return: their shape and contents; too little is said to be too little."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from persona_warehouse.personas.tables import FIT, MEMBERSHIPS, TRAITS, fit_scored, memberships, traits_tested
from tests.personas.markets import TRUE_TRAITS, Market, market


def tables(made: Market) -> tuple[pa.Table, pa.Table]:
    """Facts and accounts as the warehouse has them; one attribute is the definition of the best."""
    facts = made.facts.rename_columns(["account_id", "attribute", "value", "value_number"])
    words = ["it is the industry" if name == "industry" else None for name in facts["attribute"].to_pylist()]
    best = set(made.best(50))
    accounts = pa.table(
        {
            "account_id": made.ids,
            "is_customer": made.buys,
            "is_outcome_known": np.arange(len(made.ids)) % 10 > 0,
            "created_at": pa.array(np.arange(len(made.ids)) * 86_400_000_000, pa.timestamp("us", "UTC")),
            "is_best_customer": [account in best for account in made.ids],
        }
    )
    facts = facts.append_column("definition", pa.array(words, pa.string()))
    # a quarter of the facts is dated after the outcome
    in_time = pa.array(np.arange(facts.num_rows) % 4 > 0)
    return facts.append_column("is_known_in_time", in_time), accounts


@pytest.fixture(scope="module")
def found() -> tuple[Market, pa.Table, pa.Table, pa.Table]:
    made = market(400, seed=41)
    facts, accounts = tables(made)
    members = memberships(facts, accounts)
    return made, members, traits_tested(facts, accounts, members), fit_scored(facts, accounts)


def test_memberships(found: tuple[Market, pa.Table, pa.Table, pa.Table]) -> None:
    made, members, _, _ = found
    assert members.schema == MEMBERSHIPS
    assert members["account_id"].to_pylist() == made.ids
    rows = members.to_pylist()
    assert {row["persona_number"] for row in rows} == {0, 1, 2, 3}
    assert all((row["persona_stability"] is None) == (row["persona_number"] == 0) for row in rows)
    assert {row["reason"] for row in rows} == {None}


def test_traits(found: tuple[Market, pa.Table, pa.Table, pa.Table]) -> None:
    _, _, traits, _ = found
    assert traits.schema == TRAITS
    rows = traits.to_pylist()
    assert {row["persona_number"] for row in rows} == {0, 1, 2, 3}
    said = {row["attribute"] for row in rows if row["is_distinguishing"]} - {"employee_count"}
    assert said == TRUE_TRAITS
    refused = {row["reason"] for row in rows if row["attribute"] == "industry"}
    assert refused == {"it defines who is best: it is the industry"}
    keys = [(row["persona_number"], row["attribute"], row["value"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_fit(found: tuple[Market, pa.Table, pa.Table, pa.Table]) -> None:
    made, _, _, scored = found
    assert scored.schema == FIT
    rows = scored.to_pylist()
    assert [row["account_id"] for row in rows] == made.ids
    # the accounts whose outcome is not known are scored, but tested nothing
    assert [n for n, row in enumerate(rows) if row["tested_probability"] is None] == list(range(0, 400, 10))
    assert {row["fit_decile"] for row in rows} == set(range(1, 11))
    best = max(rows, key=lambda row: row["fit_points"])
    assert best["fit_decile"] == 1 and best["decile_lift"] > 1.5 and "+" in best["signals"]
    assert 0.7 < best["auc"] < 0.95 and best["auc_low"] < best["auc"] < best["auc_high"]
    assert best["brier"] < best["constant_brier"] and best["beats_constant"]
    assert best["later_n"] == 180 and best["later_auc_low"] < best["later_auc"] < best["later_auc_high"]
    assert 0.65 < best["later_auc"] < 0.95 and best["late_fact_share"] == pytest.approx(0.25, abs=0.01)
    assert best["outcomes_with"] + best["outcomes_without"] == 360


def test_two_customers_have_neither_personas_nor_traits_nor_fit() -> None:
    made = market(60, seed=5)
    facts, accounts = tables(made)
    few = pa.array([n < 2 for n in range(60)])
    for name in ("is_customer", "is_best_customer"):
        accounts = accounts.set_column(accounts.column_names.index(name), name, few)
    members = memberships(facts, accounts)
    assert members["persona_number"].null_count == 60 and "2 customers" in members["reason"][0].as_py()
    (row,) = traits_tested(facts, accounts, members).to_pylist()
    assert row["reason"].startswith("cannot be known: 2 best") and not row["is_distinguishing"]
    scored = fit_scored(facts, accounts)
    assert scored["fit_points"].null_count == 60
    assert scored["reason"][0].as_py().startswith("cannot be known: 1 accounts that bought")
