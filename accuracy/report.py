"""The figures as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import cleandoc

from accuracy.labels import MARK, classes
from accuracy.measures import Bin, Found, Measure

MOST_CLASSES = 25  # of cities there are more than anybody reads

HEAD = """# How right it is

Measured by `make accuracy` on sample worlds of {companies} companies that no test knows (seeds {seeds}), against their
truth. The sample world knows nothing of the dictionaries. Pairs of records are counted: precision is the share of pairs
said to be one that are, recall the share of pairs that are one and were found. Of labels, accuracy is the share that is
right of those for which there is evidence, with its 95 % interval (Wilson); where there is evidence and no label is
said ("said" is the share that has one) it counts as a miss. For how many there is no evidence at all stands beside.
macro-F1 is the mean of the classes' F1. A line of confusions reads: true → found: how many, such as. What is stated is
held against what is so in bins; the calibration error is the mean distance of the two, each bin weighing what it holds.
"""


def page(measures: Sequence[Measure], found: Mapping[str, Mapping[int, Found]], companies: int) -> str:
    """The page, in Markdown.

    Args:
        found: measure -> seed -> what was found.
    """
    seeds = sorted({seed for worlds in found.values() for seed in worlds})
    parts = [HEAD.format(companies=companies, seeds=", ".join(map(str, seeds)))]
    parts.append(_summary(measures, found))
    for one in measures:
        worlds = found[one.name]
        parts += [f"## {one.name.capitalize()}", cleandoc(one.find.__doc__ or ""), _by_seed(one, worlds)]
        told = classes(total(worlds))
        if 1 < len(told) <= MOST_CLASSES:
            parts.append(f"By class, all seeds:\n\n{_by_class(told)}")
        bins = _added([each for world in worlds.values() for each in world.bins])
        if bins:
            of = "labels" if told else "pairs compared by likeness alone"
            parts.append(f"What is stated, of {of}, and what is so:\n\n{_reliability(bins)}")
            parts.append(f"Calibration error: {_calibration_error(bins):.3f}.")
        examples = [f"- seed {seed}: {text}" for seed in sorted(worlds) for text in worlds[seed].examples[:6]]
        if examples:
            parts.append("The worst:\n\n" + "\n".join(examples))
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def total(worlds: Mapping[int, Found]) -> dict[str, int]:
    """The counts of all worlds."""
    names = {name for world in worlds.values() for name in world.counts}
    return {name: sum(world.counts.get(name, 0) for world in worlds.values()) for name in sorted(names)}


def _summary(measures: Sequence[Measure], found: Mapping[str, Mapping[int, Found]]) -> str:
    rows = []
    for one in measures:
        scores = one.scores(total(found[one.name]))
        rows += [
            (one.name, score, f"{value:.4f}", f"{one.bars[score]:.2f}" if score in one.bars else "",
             "" if score not in one.bars else "yes" if value >= one.bars[score] else "**no**")
            for score, value in scores.items()
        ]  # fmt: skip
    return _table(("measure", "score", "all seeds", "bar", "met"), rows)


def _by_seed(one: Measure, worlds: Mapping[int, Found]) -> str:
    names = list(one.scores(total(worlds)))
    counts = sorted({name for world in worlds.values() for name in world.counts if MARK not in name})
    rows = []
    for seed in sorted(worlds):
        scores = one.scores(worlds[seed].counts)
        values = [f"{worlds[seed].counts.get(name, 0):,}" for name in counts]
        rows.append((str(seed), *(f"{scores[name]:.4f}" for name in names), *values))
    return _table(("seed", *names, *counts), rows)


def _by_class(told: Sequence[tuple[str, int, float, float, float]]) -> str:
    rows = [
        (name, f"{n:,}", f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}") for name, n, precision, recall, f1 in told
    ]
    return _table(("class", "n", "precision", "recall", "F1"), rows)


def _added(bins: Sequence[Bin]) -> list[Bin]:
    found: dict[tuple[float, float], Bin] = {}
    for one in bins:
        before = found.get((one.low, one.high), Bin(one.low, one.high, 0, 0, 0.0))
        found[(one.low, one.high)] = Bin(
            one.low, one.high, before.pairs + one.pairs, before.right + one.right, before.stated + one.stated
        )
    return [found[edges] for edges in sorted(found)]


def _reliability(bins: Sequence[Bin]) -> str:
    rows = [
        (f"{one.low:.2f} to {one.high:.2f}", f"{one.pairs:,}", f"{one.stated / one.pairs:.3f}",
         f"{one.right / one.pairs:.3f}")
        for one in bins
    ]  # fmt: skip
    return _table(("probability", "n", "stated", "so"), rows)


def _calibration_error(bins: Sequence[Bin]) -> float:
    """Naeini, Cooper, Hauskrecht (2015): the mean distance of what is stated and what is so, weighed by the bins."""
    return sum(abs(one.stated - one.right) for one in bins) / sum(one.pairs for one in bins)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
