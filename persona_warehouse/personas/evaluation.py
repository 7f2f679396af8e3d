"""How good a score is: AUC with its interval, deciles, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import expit, logit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

Z_95 = float(stats.norm.ppf(0.975))
GROUPS = 10


@dataclass(frozen=True)
class Auc:
    """The area under the ROC curve: how often a row with the outcome scores higher than one without.

    Attributes:
        low, high: 95 % interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """A tenth of the rows by score, the best first.

    Attributes:
        rate, low, high: share with the outcome and its Wilson interval.
        stated: mean probability.
        lift: rate over the rate of all.
        captured: share of all outcomes in this tenth and those above.
    """

    number: int
    n: int
    outcomes: int
    rate: float
    low: float
    high: float
    stated: float
    lift: float
    captured: float


@dataclass(frozen=True)
class Calibration:
    """Whether stated probabilities are so.

    Attributes:
        slope, intercept: of the outcome's log-odds over the stated ones (D. R. Cox, 1958); 1 and 0 when right.
        slope_low, slope_high: 95 % interval of the slope.
        error: mean difference of stated and so over tenths, weighted by rows.
        p: of the test that nothing is wrong (D. J. Spiegelhalter, 1986).
    """

    slope: float
    slope_low: float
    slope_high: float
    intercept: float
    error: float
    p: float

    @property
    def is_good(self) -> bool:
        return self.p >= 0.01 or self.error < 0.02


def auc_of(score: Floats, outcome: Bools) -> float:
    """The AUC alone: ranks, ties for half."""
    positives = int(outcome.sum())
    negatives = len(outcome) - positives
    ranks = stats.rankdata(score)
    return float((ranks[outcome].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def components(score: Floats, outcome: Bools) -> tuple[Floats, Floats]:
    """For each row with the outcome the share of the others that it beats, and for each other the share that beats it.

    Source: X. Sun and W. Xu (2014), "Fast Implementation of DeLong's Algorithm for Comparing the Areas Under
    Correlated ROC Curves", IEEE Signal Processing Letters 21 (11), 1389-1393.
    """
    ranks = stats.rankdata(score)
    of_positives = stats.rankdata(score[outcome])
    of_negatives = stats.rankdata(score[~outcome])
    beats = (ranks[outcome] - of_positives) / len(of_negatives)
    beaten = 1 - (ranks[~outcome] - of_negatives) / len(of_positives)
    return beats, beaten


def variance(beats: Floats, beaten: Floats) -> float:
    """The variance of an AUC (E. R. DeLong et al., 1988, Biometrics 44 (3), 837-845)."""
    return float(np.var(beats, ddof=1) / len(beats) + np.var(beaten, ddof=1) / len(beaten))


def auc(
    score: Floats, outcome: Bools, parts: Ints | None = None, *, extra_variance: float = 0.0, value: float | None = None
) -> Auc:
    """The AUC and its 95 % interval, on the scale of log-odds so that it stays inside 0 and 1.

    Args:
        parts: rows are compared within their part alone, such as a stretch of time; None is one part.
        extra_variance: of what DeLong's does not know, such as how rows were split.
        value: another centre: the mean over several splits.
    """
    mean, spread = _stratified(score, None, outcome, parts)
    mean = mean if value is None else value
    centre = float(np.clip(mean, 1e-6, 1 - 1e-6))
    # when all scores are in order there is no spread to be seen: at least that of one row out of place
    least = (0.25 / min(int(outcome.sum()), int((~outcome).sum()))) ** 2
    half = Z_95 * np.sqrt(max(spread + extra_variance, least)) / (centre * (1 - centre))
    low, high = expit(logit(centre) + np.array([-half, half]))
    return Auc(float(mean), float(low), float(high))


def auc_difference(score: Floats, other: Floats, outcome: Bools, parts: Ints | None = None) -> Auc:
    """AUC of a score minus that of another on the same rows, with its 95 % interval (DeLong's paired one)."""
    mean, spread = _stratified(score, other, outcome, parts)
    half = Z_95 * float(np.sqrt(spread))
    return Auc(mean, mean - half, mean + half)


def _stratified(score: Floats, other: Floats | None, outcome: Bools, parts: Ints | None) -> tuple[float, float]:
    """AUC, or its difference to that of another score, and the variance: parts weigh by the pairs they compare."""
    means, spreads, pairs = [], [], []
    for rows in (
        [np.arange(len(score))] if parts is None else [np.flatnonzero(parts == part) for part in np.unique(parts)]
    ):
        y = outcome[rows]
        if min(int(y.sum()), int((~y).sum())) < 2:
            continue
        beats, beaten = components(score[rows], y)
        if other is not None:
            other_beats, other_beaten = components(other[rows], y)
            beats, beaten = beats - other_beats, beaten - other_beaten
        means.append(float(beats.mean()))
        spreads.append(variance(beats, beaten))
        pairs.append(float(y.sum()) * float((~y).sum()))
    if not pairs:
        return (0.5 if other is None else 0.0), 0.25
    weights = np.array(pairs) / sum(pairs)
    return float(weights @ np.array(means)), float(weights**2 @ np.array(spreads))


def wilson(successes: Floats, n: Floats, z: float = Z_95) -> tuple[Floats, Floats]:
    """95 % score intervals of proportions (E. B. Wilson, 1927)."""
    z2 = z**2
    n = np.maximum(n, 1)
    p = successes / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def groups(probability: Floats, outcome: Bools, number: int = GROUPS) -> list[Group]:
    """Tenths by score, the best first; rows of equal score stand in the order given."""
    order = np.argsort(-probability, kind="stable")
    base, total = float(outcome.mean()), int(outcome.sum())
    found, seen = [], 0
    for place, rows in enumerate(np.array_split(order, min(number, len(order))), 1):
        n, hits = len(rows), int(outcome[rows].sum())
        seen += hits
        low, high = wilson(np.array([float(hits)]), np.array([float(n)]))
        found.append(
            Group(place, n, hits, hits / n, float(low[0]), float(high[0]), float(probability[rows].mean()),
                  hits / n / base, seen / total)
        )  # fmt: skip
    return found


def brier(probability: Floats, outcome: Bools) -> float:
    """Mean squared difference of probability and outcome (G. W. Brier, 1950); less is better."""
    return float(np.mean((probability - outcome) ** 2))


def calibration(probability: Floats, outcome: Bools) -> Calibration:
    """Whether the stated probabilities are so."""
    p = np.clip(probability, 1e-4, 1 - 1e-4)
    x = np.column_stack([np.ones(len(p)), logit(p)])
    weights = np.array([0.0, 1.0])
    information = np.eye(2)
    for _ in range(50):
        fitted = expit(x @ weights)
        information = (x * (fitted * (1 - fitted))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(information, x.T @ (outcome - fitted))
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    half = Z_95 * float(np.sqrt(np.linalg.inv(information)[1, 1]))
    tenths = groups(probability, outcome)
    error = sum(abs(one.stated - one.rate) * one.n for one in tenths) / len(p)
    spread = np.sqrt(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    z = float(np.sum((outcome - p) * (1 - 2 * p)) / spread) if spread > 0 else 0.0
    slope = float(weights[1])
    return Calibration(slope, slope - half, slope + half, float(weights[0]), error, float(2 * stats.norm.sf(abs(z))))
