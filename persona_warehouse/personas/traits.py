"""What distinguishes some accounts from the others: shares, lift, odds with their interval, p adjusted for many tests.

An attribute is tested as a whole, then its values within it, so that what is said stays true of attributes as well as
of single values: Y. Benjamini and M. Bogomolov (2014), "Selective inference on multiple families of hypotheses",
Journal of the Royal Statistical Society B 76 (1), 297-318. What is not known takes no part.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from persona_warehouse.personas import number_bands
from persona_warehouse.personas.columns import Column, Kind
from persona_warehouse.personas.evaluation import Z_95, wilson
from persona_warehouse.personas.hindsight import tells_alone
from persona_warehouse.personas.points import OTHER
from persona_warehouse.personas.thresholds import threshold

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Trait:
    """A value of an attribute among the best and among the rest.

    Attributes:
        best, rest: accounts with the value; best_n, rest_n: accounts whose attribute is known.
        lift: share among the best over share among the rest; None when nobody of the rest has it.
        log_odds: log odds ratio with a half added to each cell (J. B. S. Haldane, 1956),
            low and high its 95 % interval.
        difference: of the shares, with R. G. Newcombe's (1998) hybrid score interval.
        p: Fisher's exact test of the value; p_adjusted: after selection of the attribute and among its values.
    """

    attribute: str
    value: str
    best: int
    best_n: int
    rest: int
    rest_n: int
    share_best: float
    share_rest: float
    lift: float | None
    log_odds: float
    log_odds_low: float
    log_odds_high: float
    difference: float
    difference_low: float
    difference_high: float
    p: float
    p_adjusted: float
    is_distinguishing: bool


@dataclass(frozen=True)
class Tested:
    """An attribute as a whole: how well it is known, and its test; or why nothing is said of it."""

    attribute: str
    best_n: int
    rest_n: int
    coverage: float
    p: float | None = None
    p_adjusted: float | None = None
    is_distinguishing: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Traits:
    """Traits, the strongest first, and every attribute with its test or the reason why it is not said.

    Attributes:
        reason: why nothing can be known at all, or None.
    """

    traits: tuple[Trait, ...]
    attributes: tuple[Tested, ...]
    reason: str | None = None


@dataclass(frozen=True)
class _Family:
    """An attribute's cells.

    Attributes:
        values: the names of cells.
        has: account by cell, of the accounts that are known.
        is_best: of these accounts.
    """

    attribute: str
    values: tuple[str, ...]
    has: Bools
    is_best: Bools
    coverage: float
    p: float
    p_values: Floats


def find_traits(
    facts: pa.Table,
    best: Collection[str],
    rest: Collection[str],
    *,
    definitions: Mapping[str, str] | None = None,
    comparisons: int = 1,
    seed: int = 7,
) -> Traits:
    """What distinguishes the best from the rest.

    Args:
        facts: account_id, attribute, value (text) and number (null for texts); an account may have several values.
        best, rest: account ids; an account in both counts as one of the best.
        definitions: attribute -> why it is (part of) the definition of who is best: refused.
        comparisons: how many such comparisons stand beside each other; each is held to as much more (Bonferroni).
        seed: of the permutations.
    """
    least = int(threshold("min_cell_customers"))
    ids = pa.array(sorted(set(best) | set(rest)), pa.string())
    is_best = pc.is_in(ids, value_set=pa.array(sorted(set(best)), pa.string())).to_numpy(zero_copy_only=False)
    if is_best.sum() < least or (~is_best).sum() < least:
        return Traits(
            (), (), f"cannot be known: {is_best.sum()} best and {(~is_best).sum()} others; {least} of each are needed"
        )
    place = pc.index_in(facts["account_id"].combine_chunks(), ids)
    facts = facts.append_column("place", place).filter(pc.is_valid(place))
    names = sorted(pc.unique(facts["attribute"]).to_pylist())
    families: list[_Family] = []
    attributes: list[Tested] = []
    generator = np.random.default_rng(seed)
    for name in names:
        part = facts.filter(pc.equal(facts["attribute"], name))
        made = _family(name, part, is_best, (definitions or {}).get(name), generator)
        if isinstance(made, Tested):
            attributes.append(made)
        else:
            families.append(made)
    return _adjusted(families, attributes, comparisons)


def _family(
    name: str, part: pa.Table, is_best: Bools, definition: str | None, generator: np.random.Generator
) -> _Family | Tested:
    least = int(threshold("min_cell_customers"))
    place = part["place"].to_numpy()
    known = np.unique(place)
    best_n, rest_n = int(is_best[known].sum()), int((~is_best[known]).sum())
    coverage = len(known) / len(is_best)

    def unsaid(reason: str) -> Tested:
        return Tested(name, best_n, rest_n, coverage, reason=reason)

    if definition is not None:
        return unsaid(f"it defines who is best: {definition}")
    if coverage < threshold("trait_coverage"):
        return unsaid(f"known for {coverage:.0%} of the accounts only")
    if best_n < least or rest_n < least:
        return unsaid(f"known for {best_n} of the best and {rest_n} of the others; {least} of each are needed")
    cells, values = _cells(part)
    if len(values) < 2:
        return unsaid("the same for all that are known")
    if len(values) > threshold("trait_most_values"):
        return unsaid(f"{len(values)} differing values: a name or a text")
    has = np.zeros((len(known), len(values)), dtype=bool)
    has[np.searchsorted(known, place), cells] = True
    mine = is_best[known]
    if _tells(name, has, mine):
        return unsaid("it tells who is best all but by itself, so it is part of the definition or follows from it")
    has, values = _pooled(has, values, least)
    if len(values) < 2:
        return unsaid(f"no two values are known for {least} accounts each")
    counts = _counts(has, mine)
    p_values = np.array([stats.fisher_exact([[a, best_n - a], [b, rest_n - b]])[1] for a, b in counts.tolist()])
    if bool((has.sum(axis=1) == 1).all()):
        p = _as_a_whole(counts, generator) if len(values) > 2 else float(p_values.min())
    else:
        # an account may have several values: the least p of as many tests
        p = min(1.0, float(p_values.min()) * len(values))
    return _Family(name, values, has, mine, coverage, p, p_values)


def _cells(part: pa.Table) -> tuple[Ints, tuple[str, ...]]:
    """Each fact's cell: its value, or the band of its number."""
    numbers = part["number"].combine_chunks()
    if numbers.null_count == 0:
        values = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
        bands = int(threshold("trait_bands"))
        if len(np.unique(values)) > 2 * bands:
            edges = np.unique(np.quantile(values, np.linspace(0, 1, bands + 1)[1:-1]))
            labels = [number_bands.label(low, high) for low, high in pairwise([None, *edges.tolist(), None])]
            return np.searchsorted(edges, values, side="right"), tuple(labels)
    coded = pc.dictionary_encode(part["value"].combine_chunks().cast(pa.string()))
    order = np.argsort(np.array(coded.dictionary.to_pylist(), dtype=object))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    texts = coded.dictionary.take(pa.array(order)).to_pylist()
    return rank[coded.indices.to_numpy(zero_copy_only=False)], tuple(texts)


def cells_of(part: pa.Table, rows: Ints, size: int, least: int) -> tuple[Bools, tuple[str, ...]]:
    """Row by value of one attribute's facts; values that fewer rows have than `least` are pooled.

    Args:
        part: value and number.
        rows: of each fact, 0 to `size` - 1.
    """
    cells, values = _cells(part)
    has = np.zeros((size, len(values)), dtype=bool)
    has[rows, cells] = True
    return _pooled(has, values, least)


def _tells(name: str, has: Bools, is_best: Bools) -> bool:
    """Whether an attribute tells who is best nearly by itself."""
    codes = np.where(has.any(axis=1), has.argmax(axis=1), -1)
    column = Column(name, Kind.CATEGORY, codes >= 0, codes, tuple(map(str, range(has.shape[1]))))
    return min(int(is_best.sum()), int((~is_best).sum())) >= 10 and tells_alone(column, is_best) >= threshold(
        "leak_auc"
    )


def _pooled(has: Bools, values: tuple[str, ...], least: int) -> tuple[Bools, tuple[str, ...]]:
    """Values of fewer accounts than a cell may have are one cell."""
    enough = has.sum(axis=0) >= least
    kept = tuple(value for value, is_enough in zip(values, enough.tolist(), strict=True) if is_enough)
    if enough.all():
        return has, kept
    return np.column_stack([has[:, enough], has[:, ~enough].any(axis=1)]), (*kept, OTHER)


def _counts(has: Bools, is_best: Bools) -> Ints:
    """Cell by (best, rest)."""
    return np.column_stack([has[is_best].sum(axis=0), has[~is_best].sum(axis=0)]).astype(np.int64)


def _as_a_whole(counts: Ints, generator: np.random.Generator) -> float:
    """Pearson's statistic of the whole table against as many draws of the best at random, margins kept."""
    margins = counts.sum(axis=1)
    size = int(threshold("trait_permutations"))
    draws = generator.multivariate_hypergeometric(margins, int(counts[:, 0].sum()), size=size, method="marginals")
    expected = margins * counts[:, 0].sum() / margins.sum()

    def statistic(drawn: Ints) -> Floats:
        return np.asarray(((drawn - expected) ** 2 / expected).sum(axis=-1))

    above = int((statistic(draws) >= statistic(counts[:, 0]) - 1e-9).sum())
    return (above + 1) / (len(draws) + 1)


def benjamini_hochberg(p: Floats) -> Floats:
    """p-values adjusted so that of those below q the share of false ones is q at most (Benjamini, Hochberg, 1995)."""
    if len(p) == 0:
        return p
    return np.asarray(stats.false_discovery_control(p, method="bh"))


def _adjusted(families: list[_Family], attributes: list[Tested], comparisons: int) -> Traits:
    level = threshold("trait_fdr")
    adjusted = benjamini_hochberg(np.minimum(np.array([one.p for one in families]) * comparisons, 1.0))
    selected = int((adjusted <= level).sum())
    traits: list[Trait] = []
    for family, p_adjusted in zip(families, adjusted.tolist(), strict=True):
        within = benjamini_hochberg(family.p_values) * comparisons * len(families) / max(selected, 1)
        made = _traits(family, np.maximum(np.minimum(within, 1.0), p_adjusted), level)
        traits += made
        attributes.append(
            Tested(
                family.attribute, int(family.is_best.sum()), int((~family.is_best).sum()), family.coverage, family.p,
                p_adjusted, any(one.is_distinguishing for one in made),
            )
        )  # fmt: skip
    traits.sort(
        key=lambda one: (not one.is_distinguishing, one.p_adjusted, -abs(one.log_odds), one.attribute, one.value)
    )
    return Traits(tuple(traits), tuple(sorted(attributes, key=lambda one: one.attribute)))


def _traits(family: _Family, adjusted: Floats, level: float) -> list[Trait]:
    counts = _counts(family.has, family.is_best).astype(np.float64)
    n = np.array([family.is_best.sum(), (~family.is_best).sum()], dtype=np.float64)
    shares = counts / n
    odds = np.log((counts + 0.5) / (n - counts + 0.5))
    log_odds = odds[:, 0] - odds[:, 1]
    half = Z_95 * np.sqrt((1 / (counts + 0.5) + 1 / (n - counts + 0.5)).sum(axis=1))
    low, high = wilson(counts, np.broadcast_to(n, counts.shape))
    difference = shares[:, 0] - shares[:, 1]
    below = np.sqrt((shares[:, 0] - low[:, 0]) ** 2 + (high[:, 1] - shares[:, 1]) ** 2)
    above = np.sqrt((high[:, 0] - shares[:, 0]) ** 2 + (shares[:, 1] - low[:, 1]) ** 2)
    is_said = (adjusted <= level) & (np.abs(difference) >= threshold("trait_difference"))
    return [
        Trait(
            family.attribute, value, int(counts[i, 0]), int(n[0]), int(counts[i, 1]), int(n[1]), float(shares[i, 0]),
            float(shares[i, 1]), float(shares[i, 0] / shares[i, 1]) if shares[i, 1] > 0 else None, float(log_odds[i]),
            float(log_odds[i] - half[i]), float(log_odds[i] + half[i]), float(difference[i]),
            float(difference[i] - below[i]), float(difference[i] + above[i]), float(family.p_values[i]),
            float(adjusted[i]), bool(is_said[i]) and value != OTHER,
        )
        for i, value in enumerate(family.values)
    ]  # fmt: skip
