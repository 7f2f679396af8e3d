"""Personas: one to three groups of accounts that buy more often than others, their number chosen by stability.

Latent classes are fitted on all accounts, customers and not, because both tell how attributes go together. A class of
which more accounts are customers than of all is a persona; the others are background. The number of classes is the one
with the least AIC3 among those of which every class comes back in resamples.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats
from threadpoolctl import threadpool_limits

from persona_warehouse.personas.evaluation import wilson
from persona_warehouse.personas.latent_classes import Cells, Classes, fit_classes
from persona_warehouse.personas.thresholds import threshold
from persona_warehouse.personas.traits import cells_of

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_CLASSES = 5
RESAMPLE_STARTS = 4
BACKGROUND = 0


@dataclass(frozen=True)
class Persona:
    """A persona.

    Attributes:
        number: 1 for the one with the most customers.
        accounts, customers: given to it; `customer_rate` with its 95 % interval, `lift` over the rate of all.
        stability: mean Jaccard similarity to its like in resamples; None when there is one class.
        is_thin: fewer customers than a persona should rest on.
        profile: (attribute, value, rate in the persona, rate among all), what sets it apart first.
    """

    number: int
    accounts: int
    customers: int
    customer_rate: float
    customer_rate_low: float
    customer_rate_high: float
    lift: float | None
    stability: float | None
    is_thin: bool
    profile: tuple[tuple[str, str, float, float], ...]


@dataclass(frozen=True)
class Choice:
    """A number of classes that was tried: its criterion and the stability of its least stable class."""

    classes: int
    criterion: float
    stability: float | None
    is_chosen: bool


@dataclass(frozen=True)
class Personas:
    """Personas, and whose each account is.

    Attributes:
        assigned: account_id, persona (0: background, null: not enough known), probability, known_attributes, and the
            probability of each persona, `p0` for the background.
        attributes: those that the classes rest on.
        reason: why there are none, or None.
    """

    personas: tuple[Persona, ...]
    choices: tuple[Choice, ...]
    attributes: tuple[str, ...]
    assigned: pa.Table
    reason: str | None = None


@threadpool_limits.wrap(limits=1)
def find_personas(facts: pa.Table, accounts: Collection[str], customers: Collection[str], *, seed: int = 7) -> Personas:
    """Finds personas and gives every account to one, or to the background.

    Args:
        facts: account_id, attribute, value and number, as for `traits.find_traits`.
        accounts: ids of all accounts of the market.
        customers: ids of those that bought, or of the best of them.
    """
    ids = sorted(set(accounts) | set(customers))
    cells = _cells(facts, ids)
    is_customer = np.isin(np.array(ids, dtype=object), np.array(sorted(customers), dtype=object))
    known = np.add.reduceat(cells.matrix, cells.starts, axis=1) > 0 if cells.widths else np.zeros((len(ids), 0), bool)
    enough = known.sum(axis=1) >= threshold("persona_known")
    least = int(threshold("min_cell_customers"))
    if (enough & is_customer).sum() < least or enough.sum() < threshold("persona_accounts"):
        reason = (
            f"cannot be known: {int((enough & is_customer).sum())} customers and {int(enough.sum())} accounts with "
            f"known attributes; {least} and {threshold('persona_accounts'):.0f} are needed"
        )
        return Personas((), (), (), _assigned(ids, known, None, enough), reason)
    kept = [int(i) for i in _associated(cells.rows(np.flatnonzero(enough)))]
    if len(kept) < 2:
        return Personas(
            (), (), (), _assigned(ids, known, None, enough), "no attributes go together: there are no groups"
        )
    cells = cells.only(kept)
    learned = np.flatnonzero(enough)
    if len(learned) > threshold("persona_fit_accounts"):
        learned = np.sort(np.random.default_rng(seed).permutation(learned)[: int(threshold("persona_fit_accounts"))])
    classes, choices, stability = _chosen(cells.rows(learned), seed)
    posterior = classes.posterior(cells)
    order = _buying(posterior[enough], is_customer[enough])
    probabilities = np.column_stack([1 - posterior[:, order].sum(axis=1), posterior[:, order]])
    if len(order) == posterior.shape[1]:
        probabilities[:, BACKGROUND] = 0.0
    assigned = _assigned(ids, known, probabilities, enough)
    given = assigned["persona"].to_numpy(zero_copy_only=False)
    usual = cells.rows(np.flatnonzero(enough)).matrix.sum(axis=0) + 0.5
    usual /= np.repeat(np.add.reduceat(usual, cells.starts), cells.widths)
    found = []
    base = float(is_customer[enough].mean())
    for number, at in enumerate(order, 1):
        mine = given == number
        n, hits = int(mine.sum()), int((mine & is_customer).sum())
        low, high = wilson(np.array([float(hits)]), np.array([float(n)]))
        found.append(
            Persona(number, n, hits, hits / max(n, 1), float(low[0]), float(high[0]),
                    hits / max(n, 1) / base if base < 1 else None, stability[at], hits < threshold("persona_thin"),
                    _profile(cells, classes.rates[:, at], usual))
        )  # fmt: skip
    return Personas(tuple(found), choices, cells.attributes, assigned)


def _cells(facts: pa.Table, ids: list[str]) -> Cells:
    """Accounts by values; values that too few have are pooled, attributes with fewer than two are left out."""
    least = int(threshold("min_cell_customers"))
    place = pc.index_in(facts["account_id"].combine_chunks(), pa.array(ids, pa.string()))
    facts = facts.append_column("place", place).filter(pc.is_valid(place))
    blocks, attributes, widths = [], [], []
    values: list[str] = []
    for name in sorted(pc.unique(facts["attribute"]).to_pylist()):
        part = facts.filter(pc.equal(facts["attribute"], name))
        rows = part["place"].to_numpy()
        has, labels = cells_of(part, rows, len(ids), least)
        if len(np.unique(rows)) < threshold("trait_coverage") * len(ids) or not 2 <= len(labels) <= threshold(
            "trait_most_values"
        ):
            continue
        block = has.astype(np.float64)
        # who has several values has a part of each
        block /= np.maximum(block.sum(axis=1, keepdims=True), 1)
        blocks.append(block)
        attributes.append(name)
        widths.append(len(labels))
        values += labels
    matrix = np.hstack(blocks) if blocks else np.zeros((len(ids), 0))
    return Cells(matrix, tuple(attributes), tuple(widths), tuple(values))


def _associated(cells: Cells) -> Ints:
    """The attributes that go along with another one (chi-squared of each pair, Bonferroni over pairs)."""
    together = cells.matrix.T @ cells.matrix
    starts, widths = cells.starts, cells.widths
    goes = np.zeros(len(widths), dtype=bool)
    pairs = max(len(widths) * (len(widths) - 1) // 2, 1)
    for i in range(len(widths)):
        for j in range(i + 1, len(widths)):
            table = together[starts[i] : starts[i] + widths[i], starts[j] : starts[j] + widths[j]]
            table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
            if min(table.shape) < 2:
                continue
            expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
            statistic = float(((table - expected) ** 2 / expected).sum())
            freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
            if stats.chi2.sf(statistic, freedom) * pairs <= threshold("persona_association"):
                goes[[i, j]] = True
    return np.flatnonzero(goes)


def _chosen(cells: Cells, seed: int) -> tuple[Classes, tuple[Choice, ...], list[float | None]]:
    """The classes of the least AIC3 among those that are stable; one class when none is."""
    tried = [fit_classes(cells, number, seed=seed) for number in range(1, MOST_CLASSES + 1)]
    stabilities: list[list[float | None]] = [[None]]
    least: list[float | None] = [None]
    for classes in tried[1:]:
        # more classes are looked at only while they describe the accounts better
        each = (
            _stability(cells, classes, seed) if classes.criterion < tried[0].criterion else [0.0] * len(classes.shares)
        )
        stabilities.append(list(each))
        least.append(min(each))
    stable = [i for i, value in enumerate(least) if value is None or value >= threshold("persona_stability")]
    best = min(stable, key=lambda i: tried[i].criterion)
    choices = tuple(Choice(i + 1, float(tried[i].criterion), least[i], i == best) for i in range(len(tried)))
    return tried[best], choices, stabilities[best]


def _stability(cells: Cells, classes: Classes, seed: int) -> list[float]:
    """For each class the mean Jaccard similarity to the most alike class of each resample.

    C. Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data Analysis 52.
    """
    generator = np.random.default_rng([seed, len(classes.shares), 1])
    mine = _indicators(classes.posterior(cells))
    total = np.zeros(mine.shape[1])
    rounds = int(threshold("persona_resamples"))
    for number in range(rounds):
        drawn = generator.integers(0, len(cells.matrix), len(cells.matrix))
        again = fit_classes(cells.rows(drawn), mine.shape[1], seed=seed + number, starts=RESAMPLE_STARTS)
        seen = np.unique(drawn)
        theirs = _indicators(again.posterior(cells.rows(seen)))
        both = mine[seen].T @ theirs
        either = mine[seen].sum(axis=0)[:, None] + theirs.sum(axis=0)[None, :] - both
        total += (both / np.maximum(either, 1)).max(axis=1)
    return [float(value) for value in total / rounds]


def _indicators(posterior: Floats) -> Floats:
    return np.asarray(np.eye(posterior.shape[1])[posterior.argmax(axis=1)])


def _buying(posterior: Floats, is_customer: Bools) -> list[int]:
    """The classes that buy more often than all do, the one with the most customers first."""
    customers = posterior[is_customer].sum(axis=0)
    rates = customers / np.maximum(posterior.sum(axis=0), 1e-9)
    base = float(is_customer.mean())
    # without others to compare with, every class is a persona; so it is when there is one class
    buys = np.ones(len(rates), dtype=bool) if base == 1 or len(rates) == 1 else rates > base
    buys &= customers >= threshold("min_cell_customers")
    order = [int(i) for i in np.argsort(-customers, kind="stable") if buys[i]]
    return order[: int(threshold("persona_most"))]


def _assigned(ids: list[str], known: Bools, probabilities: Floats | None, enough: Bools) -> pa.Table:
    columns: dict[str, pa.Array] = {"account_id": pa.array(ids, pa.string())}
    n = len(ids)
    if probabilities is None:
        columns |= {"persona": pa.nulls(n, pa.int64()), "probability": pa.nulls(n, pa.float64())}
    else:
        best = probabilities.argmax(axis=1)
        likely = probabilities[np.arange(n), best] >= threshold("persona_probability")
        given = np.where(likely, best, BACKGROUND)
        columns["persona"] = pa.array(given, pa.int64(), mask=~enough)
        columns["probability"] = pa.array(np.round(probabilities[np.arange(n), given], 4), pa.float64(), mask=~enough)
        for number in range(probabilities.shape[1]):
            columns[f"p{number}"] = pa.array(np.round(probabilities[:, number], 4), pa.float64(), mask=~enough)
    columns["known_attributes"] = pa.array(known.sum(axis=1), pa.int64())
    return pa.table(columns)


def _profile(cells: Cells, rates: Floats, usual: Floats) -> tuple[tuple[str, str, float, float], ...]:
    """The values that set a class apart, by their part of the Kullback-Leibler divergence from all accounts."""
    part = rates * np.log(rates / usual)
    attribute = np.repeat(np.arange(len(cells.widths)), cells.widths)
    return tuple(
        (cells.attributes[attribute[i]], cells.values[i], round(float(rates[i]), 4), round(float(usual[i]), 4))
        for i in np.argsort(-part, kind="stable").tolist()
        if part[i] > 0.02 and rates[i] > usual[i]
    )
