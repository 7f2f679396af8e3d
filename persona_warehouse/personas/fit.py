"""Fit: how likely a lead or account is to buy, learned from those whose outcome is known, and how good that is.

Columns that were filled in after the outcome are left out (`hindsight`); the rest gives points that add up (`points`).
The score is tested on rows that it has not seen: on later ones where times are known, else by cross-validation, and
against a constant and a points table made by hand (`points_table`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from persona_warehouse.personas.columns import Column
from persona_warehouse.personas.evaluation import (
    Auc,
    Calibration,
    Group,
    auc,
    auc_difference,
    auc_of,
    brier,
    calibration,
    groups,
)
from persona_warehouse.personas.hindsight import Judgement, Verdict, judge
from persona_warehouse.personas.points import Design, Points, design, fit_points
from persona_warehouse.personas.points_table import points_by_hand
from persona_warehouse.personas.thresholds import threshold

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FOLDS = 5
# how often all rows are split anew; small tables more often, for there the split decides
REPEATS = ((1_500, 10), (5_000, 3))
# the first part of time is only learned from; each next one is tested by all before
FIRST_PART, LATER_PARTS = 0.5, 4
LATER = "on later rows"


@dataclass(frozen=True)
class Figures:
    """How good a score is on rows that it has not seen.

    Attributes:
        gain: AUC of the fitted score minus that of this one, on the same rows; None for the fitted one itself.
        gain_brier: Brier score of this one minus that of the fitted one.
    """

    name: str
    auc: Auc
    brier: float
    top_lift: float
    gain: Auc | None = None
    gain_brier: float | None = None


@dataclass(frozen=True)
class BackTest:
    """What the test showed.

    Attributes:
        method: in words.
        rows: the rows tested, in the order of `probability`.
        probability: stated for each by a model that had not seen it.
    """

    method: str
    rows: Ints
    probability: Floats
    model: Figures
    constant: Figures
    by_hand: Figures | None
    by_hand_rules: tuple[str, ...]
    tenths: tuple[Group, ...]
    calibration: Calibration
    with_suspected: Auc | None = None

    @property
    def is_on_later_rows(self) -> bool:
        return self.method.startswith(LATER)


@dataclass(frozen=True)
class Fit:
    """A fitted score with its test.

    Attributes:
        points: fitted on all rows whose outcome is known.
        made: the rows as the score reads them.
        warnings: what a reader must know.
    """

    points: Points
    made: Design
    judgements: tuple[Judgement, ...]
    test: BackTest
    positives: int
    negatives: int
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def beats_constant(self) -> bool:
        return self.test.model.auc.low > 0.5 and (self.test.constant.gain_brier or 0.0) > 0

    @property
    def beats_by_hand(self) -> bool | None:
        """None when no rule of the table made by hand finds a column."""
        other = self.test.by_hand
        return None if other is None or other.gain is None else other.gain.low > 0


# matrices are small: more threads only wait for each other, and would add in another order
@threadpool_limits.wrap(limits=1)
def fit(
    columns: Sequence[Column],
    is_known: Bools,
    is_won: Bools,
    *,
    times: Floats | None = None,
    exclude: Collection[str] = (),
    keep: Collection[str] = (),
    seed: int = 7,
) -> Fit:
    """Fits and tests a score.

    Args:
        columns: without the label and the time.
        is_known: rows whose outcome is known; the others are scored and taught nothing from.
        is_won: the outcome of each row.
        times: days of each row, NaN where not known; None tests by cross-validation.
        exclude, keep: names of columns to leave out, or to use though they look filled in afterwards.

    Raises:
        ValueError: rows with and without the outcome are too few to test on (see `outcomes`).
    """
    known = np.flatnonzero(is_known)
    least = threshold("min_outcomes")
    if min(int(is_won[known].sum()), int((~is_won[known]).sum())) < least:
        raise ValueError(f"expected at least {least:.0f} rows of either outcome")
    judgements = judge(
        [_rows_of(column, known) for column in columns], is_won[known], exclude=exclude, keep=keep, seed=seed
    )
    judgements = _outdone(columns, judgements, is_won, known, keep, seed)
    used = [column for column, judgement in zip(columns, judgements, strict=True) if judgement.is_used]
    suspected = [c for c, j in zip(columns, judgements, strict=True) if j.is_used or j.verdict == Verdict.SUSPECTED]
    warnings: list[str] = []
    splits, method = _splits(known, is_won, times, seed, warnings)
    made = design(used, known, len(is_known))
    test = _test(used, made, is_won, splits, method, method.startswith(LATER), seed)
    if len(suspected) > len(used):
        scored = _predicted(design(suspected, known, len(is_known)), is_won, splits[:1], seed)[0]
        parts = _parts(splits[0]) if method.startswith(LATER) else None
        test = replace(test, with_suspected=auc(scored[1], is_won[scored[0]], parts))
    points = fit_points(made, is_won, known, seed=seed)
    positives, negatives = int(is_won[known].sum()), int((~is_won[known]).sum())
    result = Fit(points, made, tuple(judgements), test, positives, negatives)
    return replace(result, warnings=tuple(warnings + _warnings(result)))


def _outdone(
    columns: Sequence[Column],
    judgements: Sequence[Judgement],
    is_won: Bools,
    known: Ints,
    keep: Collection[str],
    seed: int,
) -> list[Judgement]:
    """Suspects a column that alone tells the outcome surely better than all other columns together.

    Facts are many and each tells a little; what knows more than all of them may know the outcome. With few other
    columns, or where they tell nothing, there is nothing to compare with.
    """
    used = [column for column, judgement in zip(columns, judgements, strict=True) if judgement.is_used]
    least = threshold("ask_auc")
    found = []
    folds = min(FOLDS, int(is_won[known].sum()), int((~is_won[known]).sum()))
    for column, judgement in zip(columns, judgements, strict=True):
        others = [one for one in used if one is not column]
        if (
            judgement.verdict != Verdict.USED
            or (judgement.alone or 0) < least
            or len(others) < threshold("outdone_columns")
        ):
            found.append(judgement)
            continue
        cuts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(known, is_won[known])
        split = [(known[train], known[test]) for train, test in cuts]
        rows, together = _predicted(design(others, known, len(is_won)), is_won, [split], seed)[0]
        _, alone = _predicted(design([column], known, len(is_won)), is_won, [split], seed)[0]
        rest, gain = auc_of(together, is_won[rows]), auc_difference(alone, together, is_won[rows])
        if rest >= threshold("outdone_rest_auc") and gain.low > 0:
            reason = (
                f"tells more alone (AUC {judgement.alone:.2f}) than all {len(others)} other columns together "
                f"({rest:.2f}): it may be written once the outcome is known; if it is not, --keep it"
            )
            verdict = Verdict.KEPT if column.name in keep else Verdict.SUSPECTED
            judgement = replace(judgement, verdict=verdict, reason=reason)
        found.append(judgement)
    return found


def _rows_of(column: Column, rows: Ints) -> Column:
    return replace(
        column,
        is_filled=column.is_filled[rows],
        codes=None if column.codes is None else column.codes[rows],
        numbers=None if column.numbers is None else column.numbers[rows],
    )


Split = list[tuple[Ints, Ints]]


def _splits(
    known: Ints, is_won: Bools, times: Floats | None, seed: int, warnings: list[str]
) -> tuple[list[Split], str]:
    """Pairs of rows to learn from and rows to test, once for each repeat; and what that is called."""
    if times is not None:
        split = _by_time(known, is_won, times)
        untimed = int((~np.isfinite(times[known])).sum())
        if untimed:
            warnings.append(
                f"{untimed:,} rows have no time that can be read: they are learned from in the end, not tested"
            )
        if split is not None:
            learned = np.sort(times[split[0][0]])
            warnings += _unripe(known, is_won, times)
            return [split], (
                f"{LATER}: learned from all before {_day(float(learned[-1]) + 1)}, tested on the "
                f"{LATER_PARTS} parts after, each by what was known at its beginning"
            )
        warnings.append("too few outcomes before or after any day to test on later rows: cross-validation instead")
    repeats = next((number for rows, number in REPEATS if len(known) <= rows), 1)
    folds = min(FOLDS, int(is_won[known].sum()), int((~is_won[known]).sum()))
    found = [
        [(known[train], known[test]) for train, test in
         StratifiedKFold(folds, shuffle=True, random_state=seed + repeat).split(known, is_won[known])]
        for repeat in range(repeats)
    ]  # fmt: skip
    often = f", {repeats} times over" if repeats > 1 else ""
    return found, f"cross-validation: {folds} parts of equal shares{often}, each tested by what the others taught"


def _by_time(known: Ints, is_won: Bools, times: Floats) -> Split | None:
    timed = known[np.isfinite(times[known])]
    if len(timed) == 0:
        return None
    timed = timed[np.argsort(times[timed], kind="stable")]
    marks = np.linspace(FIRST_PART, 1, LATER_PARTS + 1)
    # rows of one day stand on one side
    cuts = [
        np.searchsorted(times[timed], times[timed[min(int(mark * len(timed)), len(timed) - 1)]]) for mark in marks[:-1]
    ]
    cuts = sorted({int(cut) for cut in cuts if cut > 0} | {len(timed)})
    least = threshold("min_outcomes")
    split = [
        (timed[:start], timed[start:end])
        for start, end in pairwise(cuts)
        if min(is_won[timed[:start]].sum(), (~is_won[timed[:start]]).sum()) >= least
    ]
    if not split:
        return None
    tested = np.concatenate([test for _, test in split])
    if min(is_won[tested].sum(), (~is_won[tested]).sum()) < least:
        return None
    return split


def _unripe(known: Ints, is_won: Bools, times: Floats) -> list[str]:
    """A warning when the newest rows have the outcome much more rarely: perhaps not yet."""
    timed = known[np.isfinite(times[known])]
    order = timed[np.argsort(times[timed], kind="stable")]
    newest, before = order[int(0.9 * len(order)) :], order[: int(0.9 * len(order))]
    if len(newest) < 50:
        return []
    late, early = float(is_won[newest].mean()), float(is_won[before].mean())
    if late >= 0.5 * early:
        return []
    return [
        f"the newest tenth of rows has the outcome in {late:.1%}, those before in {early:.1%}: many may not have it "
        "yet; leave rows out that are too young"
    ]


def _parts(split: Split) -> Ints:
    """Of each tested row, the part it stands in."""
    return np.repeat(np.arange(len(split)), [len(test) for _, test in split])


def _day(days: float) -> str:
    return str(np.datetime64("1970-01-01") + np.timedelta64(int(days), "D"))


def _predicted(made: Design, is_won: Bools, splits: list[Split], seed: int) -> list[tuple[Ints, Floats]]:
    """For each repeat the rows tested and what was stated for them."""
    found = []
    for split in splits:
        tested = [fit_points(made, is_won, train, seed=seed).probability(made, test) for train, test in split]
        found.append((np.concatenate([test for _, test in split]), np.concatenate(tested)))
    return found


def _test(
    used: Sequence[Column], made: Design, is_won: Bools, splits: list[Split], method: str, is_by_time: bool, seed: int
) -> BackTest:
    repeats = _predicted(made, is_won, splits, seed)
    rows, probability = repeats[0]
    y = is_won[rows]
    # stretches of time are ranked each by itself: nobody works on the leads of two years at once
    parts = None if len(splits) > 1 or not is_by_time else _parts(splits[0])
    each = np.array([auc_of(stated, is_won[at]) for at, stated in repeats])
    extra = float(each.var(ddof=1)) if len(each) > 1 else 0.0
    mean = float(each.mean()) if len(each) > 1 else None
    tenths = groups(probability, y)
    model = Figures(
        "fitted score", auc(probability, y, parts, extra_variance=extra, value=mean), brier(probability, y),
        tenths[0].lift,
    )  # fmt: skip
    base = np.concatenate([np.full(len(test), is_won[train].mean()) for train, test in splits[0]])
    flat = brier(base, y)
    constant = Figures(
        "a constant", Auc(0.5, 0.5, 0.5), flat, 1.0,
        Auc(model.auc.value - 0.5, model.auc.low - 0.5, model.auc.high - 0.5), flat - model.brier,
    )  # fmt: skip
    by_hand = None
    rules: list[str] = []
    if used:
        points, rules = points_by_hand(used)
        if np.ptp(points[rows]) > 0:
            by_hand = _by_hand(points, probability, is_won, splits[0], parts, model)
    return BackTest(
        method, rows, probability, model, constant, by_hand, tuple(rules), tuple(tenths), calibration(probability, y)
    )


def _by_hand(
    points: Floats, probability: Floats, is_won: Bools, split: Split, parts: Ints | None, model: Figures
) -> Figures:
    """The table made by hand on the same rows; its points become probabilities as the training rows teach."""
    rows = np.concatenate([test for _, test in split])
    y = is_won[rows]
    stated = np.concatenate([_rates(points, is_won, train, test) for train, test in split])
    return Figures(
        "points table by hand", auc(points[rows], y, parts), brier(stated, y), groups(points[rows], y)[0].lift,
        auc_difference(probability, points[rows], y, parts), brier(stated, y) - model.brier,
    )  # fmt: skip


def _rates(points: Floats, is_won: Bools, train: Ints, test: Ints) -> Floats:
    """The rate of the training rows with as many points, drawn to the mean of all."""
    values, codes = np.unique(points, return_inverse=True)
    n = np.bincount(codes[train], minlength=len(values))
    hits = np.bincount(codes[train], weights=is_won[train], minlength=len(values))
    base = float(is_won[train].mean())
    return np.asarray(((hits + 5 * base) / (n + 5))[codes[test]])


def _warnings(found: Fit) -> list[str]:
    said = []
    few = min(found.positives, found.negatives)
    if few < threshold("thin_outcomes"):
        said.append(
            f"thin: only {few:,} rows {'with' if found.positives <= found.negatives else 'without'} the outcome; "
            "read the intervals, not the figures"
        )
    if not found.points.signals:
        said.append("no column tells anything of the outcome beyond chance: every row gets the same probability")
    if not found.beats_constant:
        said.append("the score does not beat a constant on rows it has not seen: do not rank by it")
    if found.beats_by_hand is False:
        said.append("the score does not beat the points table made by hand: the interval of the gain holds nought")
    if found.test.model.auc.value >= threshold("leak_auc"):
        said.append("too good to be true: look at the strongest signals, one of them may be written after the outcome")
    if not found.test.calibration.is_good:
        c = found.test.calibration
        said.append(
            f"probabilities are not right: off by {c.error:.1%} on average (slope {c.slope:.2f}): read the order of "
            "the scores, not the numbers"
        )
    return said
