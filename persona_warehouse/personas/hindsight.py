"""Which columns of a table were filled in after the outcome, and so tell it without foretelling it.

Three kinds of evidence, each with a bound in seed fit/fit_thresholds: what the column alone tells of the outcome, for
whom it is filled in, and its name. A column that tells too much, or is filled for one outcome only, is a leak. One
whose name says that people write it along the way, and that tells something, or that is a verdict by its values, is
suspected. Both are left out of the score; people decide otherwise by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from persona_warehouse.personas.columns import BLANK, Column, Kind, named
from persona_warehouse.personas.evaluation import auc, auc_of, wilson
from persona_warehouse.personas.thresholds import threshold

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FOLDS = 5
BINS = 20
# rows that a mean is drawn by to the mean of all
PRIOR_ROWS = 5.0
ONE_SIDED_95 = 1.6449
# a value is put on the side of the outcome, or against it, by odds in the other folds so many times those of all rows
PICKED_ODDS = 3.0


class Verdict(StrEnum):
    """What becomes of a column."""

    USED = "used"
    KEPT = "kept"
    LEAK = "leak"
    SUSPECTED = "suspected"
    EXCLUDED = "excluded"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class Judgement:
    """What becomes of a column and why.

    Attributes:
        reason: None when there is nothing to say.
        alone: AUC of the column alone, out of fold; None for a column without values to compare.
        filled_with, filled_without: share filled among rows with and without the outcome.
    """

    column: str
    kind: Kind
    verdict: Verdict
    reason: str | None = None
    alone: float | None = None
    filled_with: float = 0.0
    filled_without: float = 0.0

    @property
    def is_used(self) -> bool:
        return self.verdict in (Verdict.USED, Verdict.KEPT)


def judge(
    columns: Sequence[Column],
    outcome: Bools,
    *,
    exclude: Collection[str] = (),
    keep: Collection[str] = (),
    seed: int = 0,
) -> list[Judgement]:
    """Judges each column of the rows whose outcome is known.

    Args:
        columns: each with as many rows as the outcome.
        exclude: names that are left out whatever they tell.
        keep: names that stay, though they look filled in afterwards.
        seed: of the folds.
    """
    folds = _folds(outcome, seed)
    return [_judge(column, outcome, folds, column.name in exclude, column.name in keep) for column in columns]


def _folds(outcome: Bools, seed: int) -> Ints:
    """Five folds with the same share of outcomes."""
    generator = np.random.default_rng(seed)
    folds = np.empty(len(outcome), dtype=np.int64)
    for side in (outcome, ~outcome):
        folds[side] = generator.permutation(int(side.sum())) % FOLDS
    return folds


def _judge(column: Column, outcome: Bools, folds: Ints, is_excluded: bool, is_kept: bool) -> Judgement:
    filled = float(column.is_filled[outcome].mean()), float(column.is_filled[~outcome].mean())

    def found(verdict: Verdict, reason: str | None = None, alone: float | None = None) -> Judgement:
        return Judgement(column.name, column.kind, verdict, reason, alone, *filled)

    if is_excluded:
        return found(Verdict.EXCLUDED, "left out by --exclude")
    if column.kind == Kind.EMPTY:
        return found(Verdict.UNUSABLE, "nothing in it but blanks and placeholders")
    alone = _alone(column, outcome, folds)
    reason = _leak(column, outcome, alone, filled)
    if reason is not None:
        return found(Verdict.KEPT if is_kept and _is_usable(column) else Verdict.LEAK, reason, alone)
    if not _is_usable(column):
        return found(Verdict.UNUSABLE, UNUSABLE[column.kind], alone)
    reason = _suspicion(column, outcome, folds, alone)
    if reason is not None:
        return found(Verdict.KEPT if is_kept else Verdict.SUSPECTED, reason, alone)
    return found(Verdict.USED, _caution(alone, filled), alone)


UNUSABLE = {
    Kind.IDENTIFIER: "an id or a free text: (nearly) every row has its own",
    Kind.DATE: "a date: it tells when, not who; whether it was known before the outcome cannot be told",
    Kind.CONSTANT: "the same in every row that has it",
}


def _is_usable(column: Column) -> bool:
    # the same everywhere it is filled, and blank elsewhere: a tick box
    return column.kind in (Kind.NUMBER, Kind.CATEGORY) or (column.kind == Kind.CONSTANT and not column.is_filled.all())


def tells_alone(column: Column, outcome: Bools, *, seed: int = 0) -> float:
    """How well a column alone tells the outcome: the AUC of the rate of each row's cell in the other folds."""
    return _alone(column, outcome, _folds(outcome, seed))


def _cells(column: Column) -> Ints:
    """Each row's cell: a value, a twentieth of a number, whether a name of the row is given; 0 for what is blank."""
    if column.kind == Kind.IDENTIFIER:
        return column.is_filled.astype(np.int64)
    if column.numbers is not None:
        known = np.isfinite(column.numbers)
        edges = (
            np.unique(np.quantile(column.numbers[known], np.linspace(0, 1, BINS + 1)[1:-1]))
            if known.any()
            else np.empty(0)
        )
        # a bin for what is equal to an edge: many rows with nought are a cell of their own
        low = np.searchsorted(edges, column.numbers, side="left")
        high = np.searchsorted(edges, column.numbers, side="right")
        return np.where(known, low + high + 1, 0).astype(np.int64)
    return (column.codes if column.codes is not None else np.full(len(column.is_filled), BLANK)) + 1


def _alone(column: Column, outcome: Bools, folds: Ints) -> float:
    """The AUC of the rate of each row's cell in the other folds."""
    return auc_of(_rate_elsewhere(column, outcome, folds), outcome)


def _rate_elsewhere(column: Column, outcome: Bools, folds: Ints) -> Floats:
    """The rate of each row's cell in the other folds, drawn to the mean of all."""
    cells = _cells(column)
    many = int(cells.max()) + 1
    key = folds * many + cells
    n = np.bincount(key, minlength=FOLDS * many).reshape(FOLDS, many)
    hits = np.bincount(key, weights=outcome, minlength=FOLDS * many).reshape(FOLDS, many)
    base = float(outcome.mean())
    rate = (hits.sum(axis=0) - hits + PRIOR_ROWS * base) / (n.sum(axis=0) - n + PRIOR_ROWS)
    return np.asarray(rate[folds, cells])


def _leak(column: Column, outcome: Bools, alone: float, filled: tuple[float, float]) -> str | None:
    if alone >= threshold("leak_auc"):
        return f"tells the outcome all but by itself (AUC {alone:.3f}), as only what is written afterwards does"
    told = _filled_for_one(column, outcome, filled)
    if told is not None:
        return told
    name = named(column.name)
    if name is not None and name[0] == "outcome":
        return f"by its name it comes with the outcome: {name[1]}"
    return None


def _filled_for_one(column: Column, outcome: Bools, filled: tuple[float, float]) -> str | None:
    """Filled for one outcome only: rows that have it hardly ever have the other outcome."""
    base = float(outcome.mean())
    for is_with, share, other_share, other_base in (
        (True, filled[0], filled[1], 1 - base),
        (False, filled[1], filled[0], base),
    ):
        side = outcome if is_with else ~outcome
        n = int(column.is_filled.sum())
        others = int((column.is_filled & ~side).sum())
        # by chance there would be so many of the other outcome: with few of them nothing is said
        expected = n * other_base
        if (
            share >= threshold("filled_cover")
            and expected >= threshold("category_rows")
            and others <= threshold("filled_lift") * expected
        ):
            words = ("with", "without") if is_with else ("without", "with")
            return (
                f"filled for rows {words[0]} the outcome ({share:.0%}) and hardly for those {words[1]} it "
                f"({other_share:.1%}): it is written once the outcome is known"
            )
    follows = 0.5 + abs(filled[0] - filled[1]) / 2
    if follows >= threshold("filled_auc"):
        return f"whether it is filled follows the outcome ({filled[0]:.0%} with it, {filled[1]:.0%} without)"
    return None


def _suspicion(column: Column, outcome: Bools, folds: Ints, alone: float) -> str | None:
    if alone >= threshold("suspect_auc"):
        return f"tells more than a fact known beforehand mostly can (AUC {alone:.3f} alone)"
    told = _verdict(column, outcome, folds)
    if told is not None:
        return told
    name = named(column.name)
    if name is not None and name[0] in ("verdict", "latest"):
        low = auc(_rates(column, outcome), outcome, value=alone).low if 0 < alone < 1 else alone
        if alone >= threshold("suspect_name_auc") and low > 0.5:
            return f"{name[1]}; and it tells of the outcome (AUC {alone:.2f} alone)"
    return None


def _rates(column: Column, outcome: Bools) -> Floats:
    cells = _cells(column)
    rates = np.bincount(cells, weights=outcome) / np.maximum(np.bincount(cells), 1)
    return np.asarray(rates[cells])


def _verdict(column: Column, outcome: Bools, folds: Ints) -> str | None:
    """Values that mostly have the outcome beside values that mostly have not: hardly a fact does both.

    Values are put on either side by the other folds, and each side is judged as a whole, so that many values of few
    rows each are seen as well as two of many.
    """
    if column.kind != Kind.CATEGORY or column.codes is None:
        return None
    known = column.codes >= 0
    odds = float(outcome.mean() / (1 - outcome.mean()))
    rate = np.clip(_rate_elsewhere(column, outcome, folds), 1e-9, 1 - 1e-9)
    lift = rate / (1 - rate) / odds
    factor = threshold("verdict_odds")
    sides = []
    for side, is_with in ((known & (lift >= PICKED_ODDS), outcome), (known & (lift <= 1 / PICKED_ODDS), ~outcome)):
        n, hits = np.array([float(side.sum())]), np.array([float((side & is_with).sum())])
        bar = factor * (odds if is_with is outcome else 1 / odds)
        low, _ = wilson(hits, n, ONE_SIDED_95)
        if not n[0] or low[0] < bar / (1 + bar) or hits[0] < threshold("verdict_side") * is_with.sum():
            return None
        counts = np.bincount(column.codes[side], minlength=len(column.levels))
        sides.append(column.levels[int(np.argmax(counts))])
    return f"a verdict: values like `{sides[0]}` mostly have the outcome, and values like `{sides[1]}` mostly not"


def _caution(alone: float, filled: tuple[float, float]) -> str | None:
    """What is said of a column that is used."""
    if alone >= threshold("ask_auc"):
        return f"tells much (AUC {alone:.2f} alone): ask who fills it in, and when"
    if abs(filled[0] - filled[1]) < 0.2:
        return None
    return f"filled for {filled[0]:.0%} with the outcome and {filled[1]:.0%} without: ask when it is asked for"
