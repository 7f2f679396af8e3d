"""Latent classes: groups of accounts within which attributes vary by themselves, whatever of them is known.

P. F. Lazarsfeld and N. W. Henry (1968), "Latent Structure Analysis"; fitted by EM (A. P. Dempster et al., 1977).
What is not known of an account takes no part in its likelihood, which is right when it is missing at random
(D. B. Rubin, 1976). A prior of a few rows draws each class to the shares of all, so that none becomes certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STARTS, SHORT_RUN, LONG_RUN = 24, 12, 400
TOLERANCE = 1e-7
# rows of everybody's shares that stand in each class from the beginning
PRIOR_ROWS = 1.0


@dataclass(frozen=True)
class Cells:
    """Accounts by values: 1 where an account has a value; an attribute that is not known has none.

    Attributes:
        matrix: account by value.
        attributes: names; widths: how many values each has, in the order of the matrix's columns.
        values: of each column.
    """

    matrix: Floats
    attributes: tuple[str, ...]
    widths: tuple[int, ...]
    values: tuple[str, ...]

    @property
    def starts(self) -> Ints:
        return np.cumsum([0, *self.widths[:-1]]).astype(np.int64)

    def rows(self, at: Ints) -> Cells:
        """Some of the accounts."""
        return Cells(self.matrix[at], self.attributes, self.widths, self.values)

    def only(self, kept: Sequence[int]) -> Cells:
        """Some of the attributes, by their place."""
        starts = self.starts
        columns = [c for i in kept for c in range(starts[i], starts[i] + self.widths[i])]
        return Cells(
            self.matrix[:, columns],
            tuple(self.attributes[i] for i in kept),
            tuple(self.widths[i] for i in kept),
            tuple(self.values[c] for c in columns),
        )


@dataclass(frozen=True)
class Classes:
    """Fitted classes, the largest first.

    Attributes:
        shares: of the classes.
        rates: value by class: how often the class has the value, of those known.
        criterion: AIC with a penalty of 3 for each parameter; less is better. In samples of this size it finds the
            number of latent classes most often (J. G. Dias, 2006; R. L. Andrews and I. S. Currim, 2003).
    """

    shares: Floats
    rates: Floats
    log_likelihood: float
    criterion: float

    def posterior(self, cells: Cells) -> Floats:
        """Account by class: the probability that it is of the class; who is unknown has the shares of all."""
        joint = cells.matrix @ np.log(self.rates) + np.log(self.shares)
        return np.asarray(np.exp(joint - _log_sums(joint)))


def fit_classes(cells: Cells, number: int, *, seed: int, starts: int = STARTS) -> Classes:
    """The most likely classes from several starts; the same seed gives the same.

    Args:
        number: of classes, at least 1.
    """
    generator = np.random.default_rng([seed, number])
    usual = _normed((cells.matrix.sum(axis=0) + 0.5)[:, None], cells)
    tried = [
        _run(cells, usual, *_start(cells, usual, number, generator), SHORT_RUN)
        for _ in range(starts if number > 1 else 1)
    ]
    best = sorted(tried, key=lambda run: -run[2])[:3]
    shares, rates, _ = max((_run(cells, usual, s, r, LONG_RUN) for s, r, _ in best), key=lambda run: run[2])
    order = np.argsort(-shares, kind="stable")
    shares, rates = shares[order], rates[:, order]
    likelihood = float(_log_sums(cells.matrix @ np.log(rates) + np.log(shares)).sum())
    parameters = number - 1 + number * (len(rates) - len(cells.widths))
    return Classes(shares, rates, likelihood, 3.0 * parameters - 2 * likelihood)


def _start(cells: Cells, usual: Floats, number: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Classes around accounts that differ from each other (as k-means++ chooses)."""
    known = cells.matrix.sum(axis=1)
    chosen: list[int] = []
    distance = known.copy()
    for _ in range(number):
        weight = distance if distance.sum() > 0 else np.ones(len(distance))
        chosen.append(int(generator.choice(len(weight), p=weight / weight.sum())))
        alike = cells.matrix @ cells.matrix[chosen[-1]]
        both = np.minimum(known, cells.matrix[chosen[-1]].sum())
        distance = np.minimum(distance, np.maximum(both - alike, 0))
    rates = _normed(0.4 * cells.matrix[chosen].T + 0.6 * usual, cells)
    return np.full(number, 1 / number), rates


def _run(cells: Cells, usual: Floats, shares: Floats, rates: Floats, rounds: int) -> tuple[Floats, Floats, float]:
    before = -np.inf
    for _ in range(rounds):
        joint = cells.matrix @ np.log(rates) + np.log(shares)
        each = _log_sums(joint)
        # what EM raises: the likelihood with the prior's part
        reached = float(each.sum() + PRIOR_ROWS * (usual * np.log(rates)).sum() + PRIOR_ROWS * np.log(shares).sum())
        if reached - before < TOLERANCE * abs(reached):
            break
        before = reached
        weights = np.exp(joint - each)
        shares = weights.sum(axis=0) + PRIOR_ROWS
        shares = shares / shares.sum()
        rates = _normed(cells.matrix.T @ weights + PRIOR_ROWS * usual, cells)
    return shares, rates, before


def _normed(counts: Floats, cells: Cells) -> Floats:
    """Value by class, so that each attribute's values add up to one."""
    totals = np.add.reduceat(counts, cells.starts, axis=0)
    return np.asarray(np.clip(counts / np.repeat(totals, cells.widths, axis=0), 1e-9, None))


def _log_sums(joint: Floats) -> Floats:
    """log(sum(exp)) of each row, a column. scipy's takes infinities into account, of which there are none here, and
    with them most of the time of a fit."""
    top = joint.max(axis=1, keepdims=True)
    return np.asarray(top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True)))
