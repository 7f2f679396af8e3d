"""The statistics as tables of the warehouse, for dbt's Python models: facts and accounts in, one Arrow table out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.personas import number_bands
from persona_warehouse.personas.clusters import find_personas
from persona_warehouse.personas.columns import Column, Kind
from persona_warehouse.personas.fit import BackTest, Fit, fit
from persona_warehouse.personas.points import POINTS
from persona_warehouse.personas.thresholds import threshold
from persona_warehouse.personas.traits import Traits, find_traits

Bools = npt.NDArray[np.bool_]

# the persona number of all best customers together
ALL_BEST = 0

MEMBERSHIPS = pa.schema(
    [
        ("account_id", pa.string()), ("persona_number", pa.int64()), ("probability", pa.float64()),
        ("known_attributes", pa.int64()), ("persona_stability", pa.float64()), ("is_persona_thin", pa.bool_()),
        ("class_count", pa.int64()), ("reason", pa.string()),
    ]
)  # fmt: skip
TRAITS = pa.schema(
    [
        ("persona_number", pa.int64()), ("attribute", pa.string()), ("value", pa.string()), ("band_zh", pa.string()),
        ("band_en", pa.string()), ("best", pa.int64()),
        ("best_n", pa.int64()), ("rest", pa.int64()), ("rest_n", pa.int64()), ("share_best", pa.float64()),
        ("share_rest", pa.float64()), ("lift", pa.float64()), ("log_odds", pa.float64()),
        ("log_odds_low", pa.float64()), ("log_odds_high", pa.float64()), ("difference", pa.float64()),
        ("difference_low", pa.float64()), ("difference_high", pa.float64()), ("p", pa.float64()),
        ("p_adjusted", pa.float64()), ("is_distinguishing", pa.bool_()), ("coverage", pa.float64()),
        ("reason", pa.string()),
    ]
)  # fmt: skip
FIT = pa.schema(
    [
        ("account_id", pa.string()), ("fit_points", pa.float64()), ("fit_probability", pa.float64()),
        ("fit_decile", pa.int64()), ("base_points", pa.float64()), ("signals", pa.string()),
        ("tested_probability", pa.float64()), ("later_probability", pa.float64()),
        ("decile_n", pa.int64()), ("decile_rate", pa.float64()), ("decile_rate_low", pa.float64()),
        ("decile_rate_high", pa.float64()), ("decile_lift", pa.float64()), ("auc", pa.float64()),
        ("auc_low", pa.float64()), ("auc_high", pa.float64()), ("brier", pa.float64()),
        ("constant_brier", pa.float64()),
        ("points_table_auc", pa.float64()), ("gain", pa.float64()), ("gain_low", pa.float64()),
        ("gain_high", pa.float64()), ("beats_constant", pa.bool_()), ("beats_points_table", pa.bool_()),
        ("calibration_slope", pa.float64()), ("calibration_slope_low", pa.float64()),
        ("calibration_slope_high", pa.float64()), ("calibration_error", pa.float64()), ("is_calibrated", pa.bool_()),
        ("test_method", pa.string()), ("later_method", pa.string()), ("later_n", pa.int64()),
        ("later_auc", pa.float64()), ("later_auc_low", pa.float64()), ("later_auc_high", pa.float64()),
        ("late_fact_share", pa.float64()), ("outcomes_with", pa.int64()),
        ("outcomes_without", pa.int64()), ("warnings", pa.string()), ("reason", pa.string()),
    ]
)  # fmt: skip


def memberships(facts: pa.Table, accounts: pa.Table) -> pa.Table:
    """To which persona each account belongs (MEMBERSHIPS): 0 is the background, null not enough known.

    Args:
        facts: account_id, attribute, value, value_number.
        accounts: account_id, is_customer of the market.
    """
    customers = accounts.filter(accounts["is_customer"])["account_id"].to_pylist()
    found = find_personas(_numbered(facts), accounts["account_id"].to_pylist(), customers)
    stability = pa.array([None, *(one.stability for one in found.personas)], pa.float64())
    thin = pa.array([None, *(one.is_thin for one in found.personas)], pa.bool_())
    given = found.assigned["persona"].combine_chunks()
    chosen = next((choice.classes for choice in found.choices if choice.is_chosen), None)
    n = len(given)
    columns = [
        found.assigned["account_id"], given, found.assigned["probability"], found.assigned["known_attributes"],
        stability.take(given), thin.take(given), pa.array([chosen] * n, pa.int64()),
        pa.array([found.reason] * n, pa.string()),
    ]  # fmt: skip
    return pa.table(columns, schema=MEMBERSHIPS)


def traits_tested(facts: pa.Table, accounts: pa.Table, members: pa.Table) -> pa.Table:
    """What distinguishes the best customers (persona 0) and the customers of each persona from all others (TRAITS).

    A row without a value is the attribute as a whole, with the reason when nothing is said of it; one without an
    attribute says why nothing can be known. A value that is a band of numbers has words in both languages.
    """
    every = set(accounts["account_id"].to_pylist())
    definitions = {
        row["attribute"]: row["definition"]
        for row in facts.filter(pc.is_valid(facts["definition"])).select(["attribute", "definition"]).group_by(
            ["attribute", "definition"]
        ).aggregate([]).to_pylist()
    }  # fmt: skip
    customers = set(accounts.filter(accounts["is_customer"])["account_id"].to_pylist())
    groups = {ALL_BEST: set(accounts.filter(accounts["is_best_customer"])["account_id"].to_pylist())}
    given = members["persona_number"]
    for number in sorted(pc.unique(given.drop_null()).to_pylist()):
        if number:
            mine = set(members.filter(pc.equal(given, number))["account_id"].to_pylist())
            groups[number] = mine & customers
    numbered = _numbered(facts)
    rows: list[dict[str, Any]] = []
    for number, best in groups.items():
        found = find_traits(numbered, best, every - best, definitions=definitions, comparisons=len(groups))
        rows += [{"persona_number": number} | row for row in _rows(found)]
    return pa.Table.from_pylist(rows, schema=TRAITS)


def _rows(found: Traits) -> list[dict[str, Any]]:
    if found.reason is not None:
        return [{"is_distinguishing": False, "reason": found.reason}]
    coverage = {one.attribute: one.coverage for one in found.attributes}
    values = [
        asdict(one)
        | {"coverage": coverage[one.attribute]}
        | dict(zip(("band_zh", "band_en"), number_bands.words(one.value) or (None, None), strict=True))
        for one in found.traits
    ]
    return [asdict(one) for one in found.attributes] + values


def fit_scored(facts: pa.Table, accounts: pa.Table) -> pa.Table:
    """How likely each account is to buy (FIT), learned from those whose outcome is known.

    Args:
        facts: account_id, attribute, value, value_number, is_known_in_time.
        accounts: account_id, is_outcome_known, is_customer, created_at.
    """
    accounts = accounts.sort_by("account_id")
    ids = accounts["account_id"].combine_chunks()
    known = accounts["is_outcome_known"].to_numpy()
    won = accounts["is_customer"].to_numpy() & known
    least = threshold("min_outcomes")
    if min(won.sum(), (known & ~won).sum()) < least:
        reason = (
            f"cannot be known: {won.sum()} accounts that bought and {(known & ~won).sum()} that did not; "
            f"{least:.0f} of each are needed"
        )
        n = len(ids)
        empty = {field.name: pa.nulls(n, field.type) for field in FIT}
        return pa.table(empty | {"account_id": ids, "reason": pa.array([reason] * n, pa.string())}, schema=FIT)
    found = fit(_columns(facts, ids), known, won)
    # stricter: accounts that became known later, and of each what was known when it decided
    # a null becomes NaN
    days = accounts["created_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    times = days.to_numpy().astype(np.float64) / 86_400_000_000
    in_time = _columns(facts.filter(facts["is_known_in_time"]), ids)
    later = fit(in_time, known, won, times=times).test
    decided = facts.filter(pc.is_in(facts["account_id"], value_set=ids.filter(pa.array(known))))
    late = 1 - pc.mean(decided["is_known_in_time"].cast(pa.float64())).as_py() if len(decided) else None
    return _scored(found, ids, later if later.is_on_later_rows else None, late)


def _columns(facts: pa.Table, ids: pa.Array) -> list[Column]:
    """The facts as columns over accounts; of several values of an attribute the first by name."""
    columns = []
    facts = facts.sort_by([("attribute", "ascending"), ("account_id", "ascending"), ("value", "ascending")])
    for name in sorted(pc.unique(facts["attribute"]).to_pylist()):
        part = facts.filter(pc.equal(facts["attribute"], name))
        place = pc.index_in(part["account_id"].combine_chunks(), ids).to_numpy(zero_copy_only=False)
        place, first = np.unique(place, return_index=True)
        filled = np.zeros(len(ids), dtype=bool)
        filled[place] = True
        numbers = part["value_number"].combine_chunks().take(pa.array(first))
        if numbers.null_count == 0:
            spread = np.full(len(ids), np.nan)
            spread[place] = numbers.to_numpy(zero_copy_only=False)
            columns.append(Column(name, Kind.NUMBER, filled, numbers=spread))
            continue
        coded = pc.dictionary_encode(part["value"].combine_chunks().take(pa.array(first)))
        codes = np.full(len(ids), -1, dtype=np.int64)
        codes[place] = coded.indices.to_numpy(zero_copy_only=False)
        levels = tuple(coded.dictionary.to_pylist())
        columns.append(Column(name, Kind.CATEGORY if len(levels) > 1 else Kind.CONSTANT, filled, codes, levels))
    return columns


def _scored(found: Fit, ids: pa.Array, later: BackTest | None, late_fact_share: float | None) -> pa.Table:
    n = len(ids)
    rows = np.arange(n)
    parts = np.round(found.points.contributions(found.made, rows) * POINTS, 1)
    base = round(found.points.base * POINTS, 1)
    # what is shown adds up to what is scored, to the last digit
    score = np.round(base + parts.sum(axis=1), 1)
    place = np.empty(n, dtype=np.int64)
    place[np.argsort(-score, kind="stable")] = np.arange(n)
    decile = place * 10 // n
    tested, tested_later = np.full(n, np.nan), np.full(n, np.nan)
    tested[found.test.rows] = found.test.probability
    if later is not None:
        tested_later[later.rows] = later.probability
    tenths, test = found.test.tenths, found.test
    at = np.minimum(decile, len(tenths) - 1)

    def of_tenth(name: str) -> pa.Array:
        return pa.array(np.array([getattr(one, name) for one in tenths])[at])

    def all_rows(value: object, type_: pa.DataType) -> pa.Array:
        return pa.array([value] * n, type_)

    by_hand = test.by_hand
    gain = by_hand.gain if by_hand else None
    columns: dict[str, pa.Array] = {
        "account_id": ids,
        "fit_points": pa.array(score),
        "fit_probability": pa.array(np.round(found.points.probability(found.made, rows), 4)),
        "fit_decile": pa.array(decile + 1),
        "base_points": all_rows(base, pa.float64()),
        "signals": _signals(found, parts),
        "tested_probability": pa.array(np.round(tested, 4), from_pandas=True),
        "later_probability": pa.array(np.round(tested_later, 4), from_pandas=True),
        "decile_n": of_tenth("n"),
        "decile_rate": of_tenth("rate"),
        "decile_rate_low": of_tenth("low"),
        "decile_rate_high": of_tenth("high"),
        "decile_lift": of_tenth("lift"),
    }
    for name, value in {
        "auc": test.model.auc.value, "auc_low": test.model.auc.low, "auc_high": test.model.auc.high,
        "brier": test.model.brier, "constant_brier": test.constant.brier,
        "points_table_auc": by_hand.auc.value if by_hand else None, "gain": gain.value if gain else None,
        "gain_low": gain.low if gain else None, "gain_high": gain.high if gain else None,
        "beats_constant": found.beats_constant, "beats_points_table": found.beats_by_hand,
        "calibration_slope": test.calibration.slope, "calibration_slope_low": test.calibration.slope_low,
        "calibration_slope_high": test.calibration.slope_high, "calibration_error": test.calibration.error,
        "is_calibrated": test.calibration.is_good,
        "test_method": test.method, "later_method": later.method if later else None,
        "later_n": len(later.rows) if later else None, "later_auc": later.model.auc.value if later else None,
        "later_auc_low": later.model.auc.low if later else None,
        "later_auc_high": later.model.auc.high if later else None, "late_fact_share": late_fact_share,
        "outcomes_with": found.positives, "outcomes_without": found.negatives,
        "warnings": "; ".join(found.warnings) or None, "reason": None,
    }.items():  # fmt: skip
        columns[name] = all_rows(value, FIT.field(name).type)
    return pa.table(columns, schema=FIT)


def _signals(found: Fit, parts: npt.NDArray[np.float64]) -> pa.Array:
    """The signals of each account with their points, the strongest first, as `attribute +3.2; …`; without noughts."""
    names = np.array([signal.name for signal in found.points.signals], dtype=object)
    texts = np.full(len(parts), "", dtype=object)
    if len(names) == 0:
        return pa.array(texts.tolist(), pa.string())
    order = np.argsort(-np.abs(parts), axis=1, kind="stable")
    for place in range(order.shape[1]):
        points = np.take_along_axis(parts, order[:, [place]], axis=1)[:, 0]
        told = names[order[:, place]] + np.char.mod(" %+.1f", points).astype(object)
        texts += np.where(points == 0, "", ("; " if place else "") + told)
    return pa.array(texts.tolist(), pa.string())


def _numbered(facts: pa.Table) -> pa.Table:
    return facts.select(["account_id", "attribute", "value", "value_number"]).rename_columns(
        ["account_id", "attribute", "value", "number"]
    )
