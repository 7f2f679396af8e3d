"""What is measured. A measure is a function of the opened world, under a name, with its bars; `MEASURES` lists all.

Another part adds its own with `@measure(...)` in a module that `MODULES` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb

MODULES = (
    "accuracy.behaviour",
    "accuracy.identities",
    "accuracy.attributes",
    "accuracy.roles",
    "accuracy.personas",
    "accuracy.value",
    "accuracy.journeys",
)


@dataclass(frozen=True)
class Bin:
    """Pairs of which about this was stated."""

    low: float
    high: float
    pairs: int
    right: int
    stated: float


@dataclass(frozen=True)
class Found:
    """What a measure found in one world.

    Attributes:
        counts: numbers that add up over worlds.
        examples: the worst confusions, in words.
        bins: stated probabilities against what was so.
    """

    counts: Mapping[str, int]
    examples: tuple[str, ...] = ()
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True)
class Measure:
    """A measure.

    Attributes:
        name: as it stands in the report.
        find: the counts of a world.
        scores: scores from the counts of a world, or of all.
        bars: score -> the least that is wanted.
    """

    name: str
    find: Callable[[duckdb.DuckDBPyConnection], Found]
    scores: Callable[[Mapping[str, int]], dict[str, float]]
    bars: Mapping[str, float] = field(default_factory=dict)


MEASURES: dict[str, Measure] = {}


def measure(
    name: str, scores: Callable[[Mapping[str, int]], dict[str, float]], **bars: float
) -> Callable[[Callable[[duckdb.DuckDBPyConnection], Found]], Callable[[duckdb.DuckDBPyConnection], Found]]:
    """Adds a function to MEASURES."""

    def add(find: Callable[[duckdb.DuckDBPyConnection], Found]) -> Callable[[duckdb.DuckDBPyConnection], Found]:
        MEASURES[name] = Measure(name, find, scores, bars)
        return find

    return add


def pairwise(counts: Mapping[str, int]) -> dict[str, float]:
    """Precision, recall and their harmonic mean over pairs of records."""
    said = counts["right"] + counts["wrong"]
    so = counts["right"] + counts["missed"]
    precision = counts["right"] / said if said else 1.0
    recall = counts["right"] / so if so else 1.0
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / ((precision + recall) or 1)}


def share_right(counts: Mapping[str, int]) -> dict[str, float]:
    """Accuracy: the right ones of all that have a truth."""
    return {"accuracy": counts["right"] / counts["all"] if counts["all"] else 1.0}
