"""A score that adds up: each column gives points, their sum is the log-odds of the outcome.

Categories have points for each value, rare ones pooled; numbers have points at quantiles and straight lines between
them; what is not known has points of its own. A logistic regression with a ridge penalty finds them. No column's points
are found from the outcome of the row that is scored: encoding knows frequencies and quantiles alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from persona_warehouse.personas.columns import BLANK, Column, Kind
from persona_warehouse.personas.thresholds import threshold

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# so many points double the odds
DOUBLING = 10.0
POINTS = DOUBLING / np.log(2)
KNOTS = (0.02, 0.2, 0.4, 0.6, 0.8, 0.98)
# variances of a value's log-odds before data are seen; the best is found by cross-validation
PENALTIES = (0.01, 0.05, 0.3, 2.0)
INNER_FOLDS = 3
# a column's evidence counts from so many times what chance gives on: between its expectation (1) and Akaike's 2
STRICTNESS = 1.5
# the penalty is chosen on so many rows at most
CHOOSING_ROWS = 3_000
OTHER, NOT_KNOWN = "(other)", "(not known)"


@dataclass(frozen=True)
class Encoder:
    """How a column becomes numbers between 0 and 1.

    Attributes:
        place: of a category, level -> place in the block, -1 for a level that no training row had.
        knots: of a number.
        blank: place of what is not known, or None when all is.
        labels: what each place stands for.
    """

    name: str
    labels: tuple[str, ...]
    place: Ints | None = None
    other: int | None = None
    knots: Floats | None = None
    blank: int | None = None

    def encode(self, column: Column, rows: Ints) -> Floats:
        """Row by place."""
        block = np.zeros((len(rows), len(self.labels)))
        if self.knots is not None and column.numbers is not None:
            values = column.numbers[rows]
            known = np.flatnonzero(np.isfinite(values))
            inside = np.clip(values[known], self.knots[0], self.knots[-1])
            at = np.clip(np.searchsorted(self.knots, inside, side="right") - 1, 0, len(self.knots) - 2)
            share = (inside - self.knots[at]) / (self.knots[at + 1] - self.knots[at])
            block[known, at] = 1 - share
            block[known, at + 1] = share
            blank = np.flatnonzero(~np.isfinite(values))
        elif self.place is not None and column.codes is not None:
            codes = column.codes[rows]
            blank = np.flatnonzero(codes == BLANK)
            known = np.flatnonzero(codes != BLANK)
            places = self.place[codes[known]]
            places = np.where(places < 0, -1 if self.other is None else self.other, places)
            block[known[places >= 0], places[places >= 0]] = 1.0
        else:
            raise TypeError(f"a column of another kind: {column.name}")
        if self.blank is not None:
            block[blank, self.blank] = 1.0
        return block


def encoder_of(column: Column, rows: Ints) -> Encoder | None:
    """The encoder of a column from training rows, or None when it is the same everywhere there."""
    if column.kind == Kind.NUMBER and column.numbers is not None:
        return _of_number(column.name, column.numbers[rows])
    if column.codes is None:
        return None
    codes = column.codes[rows]
    counts = np.bincount(codes[codes >= 0], minlength=len(column.levels))
    enough = max(threshold("category_rows"), threshold("category_share") * len(rows))
    kept = np.flatnonzero(counts >= enough)
    kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")][: int(threshold("category_most"))])
    labels = [column.levels[level] for level in kept.tolist()]
    place = np.full(len(column.levels), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    pooled = np.setdiff1d(np.flatnonzero(counts), kept)
    other = None
    if counts[pooled].sum() >= min(enough, threshold("category_rows")):
        other = len(labels)
        place[pooled] = other
        labels.append(OTHER)
    blank = len(labels) if (codes == BLANK).any() else None
    if blank is not None:
        labels.append(NOT_KNOWN)
    if len(labels) < 2:
        return None
    return Encoder(column.name, tuple(labels), place=place, other=other, blank=blank)


def _of_number(name: str, values: Floats) -> Encoder | None:
    known = values[np.isfinite(values)]
    if len(known) < threshold("category_rows"):
        return None
    knots = np.unique(np.quantile(known, KNOTS))
    if len(knots) < 2:
        knots = np.unique([known.min(), *knots, known.max()])
    if len(knots) < 2:
        return None
    labels = [f"{knot:.6g}" for knot in knots]
    blank = len(labels) if len(known) < len(values) else None
    if blank is not None:
        labels.append(NOT_KNOWN)
    return Encoder(name, tuple(labels), knots=knots, blank=blank)


@dataclass(frozen=True)
class Signal:
    """A column's points.

    Attributes:
        log_odds: of each place of the encoder; over the training rows their mean is nought.
    """

    encoder: Encoder
    log_odds: Floats

    @property
    def name(self) -> str:
        return self.encoder.name


@dataclass(frozen=True)
class Design:
    """All rows of a table as numbers between 0 and 1: one block of places for each column.

    The blocks follow from frequencies and quantiles of the columns, never from the outcome.
    """

    encoders: tuple[Encoder, ...]
    matrix: Floats

    @property
    def widths(self) -> list[int]:
        return [len(encoder.labels) for encoder in self.encoders]


def design(columns: Sequence[Column], rows: Ints, size: int) -> Design:
    """Encodes columns of `size` rows; those that are the same in all of `rows` are left out."""
    every = np.arange(size)
    pairs = [(column, encoder_of(column, rows)) for column in columns]
    kept = [(column, encoder) for column, encoder in pairs if encoder is not None]
    blocks = [encoder.encode(column, every) for column, encoder in kept]
    return Design(tuple(encoder for _, encoder in kept), np.hstack(blocks) if blocks else np.zeros((len(every), 0)))


@dataclass(frozen=True)
class Points:
    """A fitted score: `base` log-odds plus those of each signal."""

    base: float
    signals: tuple[Signal, ...]
    penalty: float

    def contributions(self, made: Design, rows: Ints) -> Floats:
        """Row by signal, in log-odds."""
        starts = dict(zip((each.name for each in made.encoders), np.cumsum([0, *made.widths]).tolist(), strict=False))
        found = [
            made.matrix[rows, starts[one.name] : starts[one.name] + len(one.log_odds)] @ one.log_odds
            for one in self.signals
        ]
        return np.column_stack(found) if found else np.zeros((len(rows), 0))

    def probability(self, made: Design, rows: Ints) -> Floats:
        """The chance of the outcome."""
        return np.asarray(expit(self.base + self.contributions(made, rows).sum(axis=1)))


def fit_points(made: Design, outcome: Bools, rows: Ints, *, seed: int) -> Points:
    """Finds the points from training rows; how much they are drawn to nought is chosen by cross-validation in them.

    Args:
        outcome: of every row of the table.
        rows: the training rows.
    """
    return _fit(made, outcome, rows, [_chosen(made, outcome, rows, seed)])[0]


def _chosen(made: Design, outcome: Bools, rows: Ints, seed: int) -> float:
    some = rows
    if len(rows) > CHOOSING_ROWS:
        some = np.sort(np.random.default_rng(seed).permutation(rows)[:CHOOSING_ROWS])
    folds = min(INNER_FOLDS, int(outcome[some].sum()), int((~outcome[some]).sum()))
    if folds < 2:
        return PENALTIES[0]
    loss = np.zeros(len(PENALTIES))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(some, outcome[some]):
        models = _fit(made, outcome, some[train], PENALTIES)
        given = [np.clip(model.probability(made, some[test]), 1e-6, 1 - 1e-6) for model in models]
        loss += [-np.log(np.where(outcome[some[test]], p, 1 - p)).sum() for p in given]
    return PENALTIES[int(np.argmin(loss))]


def _fit(made: Design, outcome: Bools, rows: Ints, penalties: Sequence[float]) -> list[Points]:
    """The points for each penalty."""
    y = outcome[rows]
    base = float(y.mean())
    blocks, encoders, weights, start = [], [], [], 0
    for encoder, width in zip(made.encoders, made.widths, strict=True):
        block = made.matrix[rows, start : start + width]
        start += width
        weight = _weight(block, y, base)
        if weight > 0:
            blocks.append(block)
            encoders.append(encoder)
            weights.append(weight)
    if not blocks:
        return [Points(float(np.log(base / (1 - base))), (), penalty) for penalty in penalties]
    widths = [block.shape[1] for block in blocks]
    edges = np.cumsum(widths)[:-1]
    scale = np.repeat(weights, widths)
    matrix = np.hstack(blocks)
    means = np.split(matrix.mean(axis=0), edges)
    matrix *= scale
    found = []
    for penalty in penalties:
        model = LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=200).fit(matrix, y)
        parts = np.split(model.coef_[0] * scale, edges)
        centres = [float(mean @ part) for mean, part in zip(means, parts, strict=True)]
        signals = tuple(
            # the places of a row add up to one, so that what is taken from each goes to the base
            Signal(encoder, part - centre)
            for encoder, part, centre in zip(encoders, parts, centres, strict=True)
        )
        found.append(Points(float(model.intercept_[0]) + sum(centres), signals, penalty))
    return found


def _weight(block: Floats, y: Bools, base: float) -> float:
    """How much of a column's evidence is beyond chance: the positive part of James and Stein's factor.

    Rao's score statistic of the column against nothing has as expectation its degrees of freedom when the column says
    nothing; what is above is told by the column. A column below is left out.
    """
    centred = block - block.mean(axis=0)
    gram = centred.T @ centred * base * (1 - base)
    score = centred.T @ (y - base)
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-8 * max(float(values.max()), 1e-12)
    freedom = int(kept.sum())
    if freedom == 0:
        return 0.0
    statistic = float(np.sum((vectors[:, kept].T @ score) ** 2 / values[kept]))
    return float(np.sqrt(max(0.0, 1 - STRICTNESS * freedom / statistic))) if statistic > 0 else 0.0
