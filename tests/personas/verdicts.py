"""Columns without a telling name: verdicts that people wrote once they knew, and facts that tell much beforehand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from persona_warehouse.personas.columns import BLANK, Column, Kind

# shares of the values among rows with the outcome and among those without
VERDICTS = {
    "yes, open, no": ([0.5, 0.45, 0.05], [0.05, 0.45, 0.5]),
    "sure, open, never": ([0.4, 0.6, 0.0], [0.0, 0.6, 0.4]),
    "many values": ([0.2] * 4 + [0.15] + [0.0125] * 4, [0.0125] * 4 + [0.15] + [0.2] * 4),
}
FACTS = {
    "one source that sells": ([0.4, 0.6], [0.1, 0.9]),
    "a grade": ([0.36, 0.24, 0.18, 0.13, 0.09], [0.12, 0.16, 0.18, 0.24, 0.3]),
    "a strong grade": ([0.4, 0.3, 0.15, 0.1, 0.05], [0.1, 0.15, 0.15, 0.25, 0.35]),
    "a strong fact on both sides": ([0.45, 0.45, 0.1], [0.1, 0.5, 0.4]),
}


def column_of(
    shares: tuple[list[float], list[float]], is_won: npt.NDArray[np.bool_], dice: np.random.Generator
) -> Column:
    """Values by the outcome, one in ten blank."""
    levels = len(shares[0])
    codes = np.where(
        is_won, dice.choice(levels, len(is_won), p=shares[0]), dice.choice(levels, len(is_won), p=shares[1])
    )
    codes = np.where(dice.random(len(is_won)) < 0.1, BLANK, codes).astype(np.int64)
    return Column("field 9", Kind.CATEGORY, codes >= 0, codes, tuple(f"v{level}" for level in range(levels)))
