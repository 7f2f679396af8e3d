"""A points table as sales teams write it by hand (seed fit/points_table): what a fitted score has to beat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from persona_warehouse.personas.columns import Column, Kind, words_of
from persona_warehouse.recognise.vocabulary import rows_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

YES = re.compile(r"^(yes|y|true|t|1|1\.0|是|有|[2-9]|many|high)$")


@dataclass(frozen=True)
class Rule:
    """A line of the table: so many points when the test holds for a column of such a name."""

    name: str
    column: re.Pattern[str]
    test: str
    value: re.Pattern[str]
    points: float


@cache
def rules() -> tuple[Rule, ...]:
    """The table."""
    return tuple(
        Rule(row["rule"], re.compile(row["column_pattern"]), row["test"], re.compile(row["value_pattern"]),
             float(row["points"]))
        for row in rows_of("fit/points_table")
    )  # fmt: skip


def points_by_hand(columns: Sequence[Column]) -> tuple[Floats, list[str]]:
    """The points of each row, and which rules found a column."""
    total, used = np.zeros(len(columns[0].is_filled) if columns else 0), []
    for rule in rules():
        for column in columns:
            if not rule.column.search(words_of(column.name)):
                continue
            holds = _holds(rule, column)
            if holds is not None and holds.any():
                total += rule.points * holds
                used.append(f"{rule.name} ({column.name})")
    return total, used


def _holds(rule: Rule, column: Column) -> Bools | None:
    if rule.test == "filled":
        return column.is_filled
    if rule.test == "above_median":
        if column.kind != Kind.NUMBER or column.numbers is None:
            return None
        return np.nan_to_num(column.numbers, nan=-np.inf) > np.nanmedian(column.numbers)
    if column.codes is None:
        return None
    pattern = YES if rule.test == "yes" else rule.value
    fits = np.array([bool(pattern.search(level.lower())) for level in column.levels] + [False])
    return np.asarray(fits[column.codes])
