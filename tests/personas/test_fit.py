"""Fit: as good as the truth's own score, every planted leak out, no honest signal refused, sums that add up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from persona_warehouse.personas.columns import Column, Kind, read_columns, read_dates
from persona_warehouse.personas.evaluation import auc, auc_difference, auc_of, brier, calibration, components, groups
from persona_warehouse.personas.fit import fit
from persona_warehouse.personas.hindsight import Verdict, judge
from tests.personas.leads import Leads, leads
from tests.personas.verdicts import FACTS, VERDICTS, column_of

HONEST = {"source", "trade", "web minutes"}
AFTERWARDS = {
    "close reason": Verdict.LEAK, "field 17": Verdict.LEAK, "onboarder": Verdict.LEAK, "customer no": Verdict.LEAK,
    "fee": Verdict.LEAK, "Lead Quality": Verdict.SUSPECTED, "LastActivity": Verdict.SUSPECTED,
    "opinion": Verdict.SUSPECTED,
}  # fmt: skip


def facts(made: Leads) -> pa.Table:
    return made.table.drop_columns(["won"])


def test_the_score_is_as_good_as_the_truth_and_no_leak_is_used() -> None:
    made = leads(2500, seed=3, leaks=True)
    known = np.ones(len(made.is_won), dtype=bool)
    found = fit(read_columns(facts(made).drop_columns(["created"])), known, made.is_won)
    verdicts = {judgement.column: judgement.verdict for judgement in found.judgements}
    assert {name: verdicts[name] for name in AFTERWARDS} == AFTERWARDS
    assert {name: verdicts[name] for name in HONEST} == dict.fromkeys(HONEST, Verdict.USED)
    assert verdicts["Lead ID"] == Verdict.UNUSABLE
    truth = auc_of(made.log_odds, made.is_won)
    assert abs(found.test.model.auc.value - truth) < 0.03
    assert found.test.model.auc.low < truth < found.test.model.auc.high
    assert found.beats_constant and found.beats_by_hand
    assert found.test.calibration.is_good and 0.85 < found.test.calibration.slope < 1.15
    assert found.test.with_suspected is not None and found.test.with_suspected.value > 0.85
    assert sum(group.outcomes for group in found.test.tenths) == made.is_won.sum()
    assert found.test.tenths[0].lift > 2 and found.test.tenths[-1].lift < 0.5
    assert found.warnings == ()


@pytest.mark.parametrize("name", VERDICTS)
def test_a_verdict_is_seen_by_its_values_alone(name: str) -> None:
    """Of tables of 400 rows seven in ten at least, of 2,000 rows all."""
    for rows, least in ((400, 14), (2000, 20)):
        seen = 0
        for seed in range(20):
            dice = np.random.default_rng([seed, rows])
            is_won = dice.random(rows) < 0.4
            (judged,) = judge([column_of(VERDICTS[name], is_won, dice)], is_won)
            seen += not judged.is_used
        assert seen >= least, rows


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_tells_much_is_no_verdict(name: str) -> None:
    for rows in (400, 2000):
        refused = 0
        for seed in range(20):
            dice = np.random.default_rng([seed, rows])
            is_won = dice.random(rows) < 0.3
            refused += not judge([column_of(FACTS[name], is_won, dice)], is_won)[0].is_used
        assert refused == 0, rows


def test_a_column_that_outdoes_all_others_together_is_suspected() -> None:
    made = leads(1500, seed=21)
    known = np.ones(1500, dtype=bool)
    facts_read = read_columns(made.table.drop_columns(["won", "created", "Lead ID"]))
    # a number has no values that could be a verdict
    numbers = np.random.default_rng(1).standard_normal(1500) + 1.4 * made.is_won
    graded = Column("field 9", Kind.NUMBER, known, numbers=numbers)
    found = fit([*facts_read, graded], known, made.is_won)
    judged = {judgement.column: judgement for judgement in found.judgements}
    assert judged["field 9"].verdict == Verdict.SUSPECTED
    assert "than all 5 other columns together" in str(judged["field 9"].reason)
    assert {judged[name].verdict for name in HONEST} == {Verdict.USED}
    # people decide, and with few others beside it nothing can be said
    kept = fit([*facts_read, graded], known, made.is_won, keep={"field 9"})
    assert {j.column: j.is_used for j in kept.judgements}["field 9"]
    alone = fit([*facts_read[:3], graded], known, made.is_won)
    assert {j.column: j.verdict for j in alone.judgements}["field 9"] == Verdict.USED


def test_people_may_keep_and_exclude() -> None:
    made = leads(800, seed=4, leaks=True)
    columns = read_columns(facts(made))
    verdicts = {
        one.column: one.verdict for one in judge(columns, made.is_won, exclude={"source"}, keep={"Lead Quality", "fee"})
    }
    assert verdicts["source"] == Verdict.EXCLUDED
    assert verdicts["Lead Quality"] == verdicts["fee"] == Verdict.KEPT
    assert verdicts["LastActivity"] == Verdict.SUSPECTED


def test_later_rows_test_what_earlier_ones_taught() -> None:
    made = leads(1500, seed=5)
    days = read_dates(made.table["created"], "created")
    found = fit(read_columns(facts(made).drop_columns(["created"])), np.ones(1500, dtype=bool), made.is_won, times=days)
    assert found.test.method.startswith("on later rows: learned from all before 2024-06")
    assert days[found.test.rows].min() >= np.median(days) - 31
    assert len(found.test.rows) == len(np.unique(found.test.rows)) < 0.55 * 1500
    assert found.test.model.auc.value > 0.7


def test_noise_is_said_to_be_noise() -> None:
    made = leads(600, seed=6)
    columns = read_columns(made.table.select(["noise", "owner"]))
    found = fit(columns, np.ones(600, dtype=bool), made.is_won)
    assert not found.beats_constant
    assert 0.42 < found.test.model.auc.value < 0.56
    assert "the score does not beat a constant on rows it has not seen: do not rank by it" in found.warnings


def test_few_outcomes_are_thin_and_their_interval_is_wide() -> None:
    made = leads(120, seed=7, base=-1.6)
    assert made.is_won.sum() < 50
    found = fit(read_columns(made.table.select(["source", "trade"])), np.ones(120, dtype=bool), made.is_won)
    assert found.warnings[0].startswith(f"thin: only {made.is_won.sum()} rows with the outcome")
    assert found.test.model.auc.high - found.test.model.auc.low > 0.12


def test_without_columns_or_outcomes() -> None:
    made = leads(100, seed=8, base=0.0)
    found = fit(read_columns(made.table.select(["Lead ID"])), np.ones(100, dtype=bool), made.is_won)
    assert found.points.signals == () and not found.beats_constant
    with pytest.raises(ValueError, match="10 rows of either outcome"):
        fit(read_columns(made.table), np.ones(100, dtype=bool), np.ones(100, dtype=bool))


def test_columns_are_read_as_what_they_are() -> None:
    table = pa.table(
        {
            "money": ["¥1,200", "3.5万", "Select", "7", "10-49", "80", "9", "11"],
            "picklist": ["Google", "google ", "Ｇｏｏｇｌｅ", "N/A", "无", "-", "Bing", None],
            "empty": ["Select", "--None--", None, "未知", "?", "unknown", "NULL", "n/a"],
            "tick": ["Yes", None, None, "Yes", None, None, None, None],
            "day": ["3/31/2024", "4/1/2024", "12/25/2024", None, "1/2/2024", "1/3/2024", "1/4/2024", "2/2/2024"],
            "score": ["10", "9", "10", "9", "8", "8", "10", "9"],
        }
    )
    found = {column.name: column for column in read_columns(table)}
    assert {name: column.kind for name, column in found.items()} == {
        "money": Kind.NUMBER, "picklist": Kind.CATEGORY, "empty": Kind.EMPTY, "tick": Kind.CONSTANT, "day": Kind.DATE,
        "score": Kind.CATEGORY,
    }  # fmt: skip
    money, picklist, score = found["money"].numbers, found["picklist"], found["score"]
    assert money is not None and picklist.codes is not None and score.codes is not None
    np.testing.assert_array_equal(money, [1200, 35000, np.nan, 7, 22, 80, 9, 11])
    assert picklist.levels == ("Google", "Bing") and picklist.codes.tolist() == [0, 0, 0, -1, -1, -1, 1, -1]
    assert score.levels == ("8", "9", "10") and score.codes.tolist() == [2, 1, 2, 1, 0, 0, 2, 1]
    day = found["day"].numbers
    assert day is not None and day[0] == 19813.0


def test_auc_and_its_variance_by_hand() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.5])
    outcome = np.array([True, True, False, True, False, True, False])
    # pairs in order, ties for half: 3 + 3 + 2 + 0.5 of 12
    assert auc_of(score, outcome) == pytest.approx(8.5 / 12)
    beats, beaten = components(score, outcome)
    assert beats.tolist() == pytest.approx([1, 1, 2 / 3, 1 / 6])
    assert beaten.tolist() == pytest.approx([0.5, 0.75, 0.875])
    same = auc_difference(score, score, outcome)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_stretches_of_time_are_ranked_each_by_itself() -> None:
    # within each part in order; between the parts the first is far above and mostly lost
    score = np.array([0.90, 0.89, 0.88, 0.87, 0.86, 0.20, 0.19, 0.18, 0.17, 0.16])
    outcome = np.array([True, True, False, False, False, True, True, True, False, False])
    parts = np.repeat([0, 1], 5)
    assert auc_of(score, outcome) < 0.7
    assert auc(score, outcome, parts).value == pytest.approx(1.0)


def test_intervals_hold_the_truth() -> None:
    """Scores one deviation apart have an AUC of 0.7602: of 200 samples 90 % and more say so within their interval."""
    dice = np.random.default_rng(9)
    held = 0
    for _ in range(200):
        outcome = np.arange(120) < 30
        one = auc(dice.standard_normal(120) + outcome, outcome)
        held += one.low < 0.7602 < one.high
    assert 180 <= held <= 199


def test_calibration_sees_what_is_wrong() -> None:
    dice = np.random.default_rng(10)
    log_odds = dice.normal(-1, 1.2, 20_000)
    p = 1 / (1 + np.exp(-log_odds))
    outcome = dice.random(20_000) < p
    right = calibration(p, outcome)
    assert right.is_good and right.slope == pytest.approx(1, abs=0.05)
    bold = calibration(1 / (1 + np.exp(-2 * log_odds)), outcome)
    assert not bold.is_good and bold.slope == pytest.approx(0.5, abs=0.03)
    assert brier(p, outcome) < brier(1 / (1 + np.exp(-2 * log_odds)), outcome)
    assert [group.n for group in groups(p, outcome)] == [2000] * 10
