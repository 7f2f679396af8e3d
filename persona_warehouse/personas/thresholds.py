"""Bounds that people may move (seeds fit/fit_thresholds and personas/persona_thresholds); each row has its reason."""

from __future__ import annotations

from functools import cache

from persona_warehouse.recognise.vocabulary import rows_of

SEEDS = ("fit/fit_thresholds", "personas/persona_thresholds")


@cache
def _all() -> dict[str, float]:
    return {row["threshold"]: float(row["value"]) for seed in SEEDS for row in rows_of(seed)}


def threshold(name: str) -> float:
    """The bound of a name.

    Raises:
        KeyError: there is none.
    """
    return _all()[name]
