"""Shares that carry their n and an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINIMUM_CELL = 5  # a share of fewer than this says more about chance, or about single people, than about the market
Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


def wilson_interval(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The score interval of a proportion: (low, high), both between 0 and 1.

    Source: E. B. Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference",
    Journal of the American Statistical Association 22 (158), 209-212. Unlike p +- z * se it stays inside [0, 1]
    and is of use at 0 of n and n of n.

    Args:
        successes: how many of the n have the property, 0 to n.
        n: how many were looked at, at least 1.
        z: quantile of the standard normal distribution; the default gives 95 %.

    Raises:
        ValueError: n is below 1, or successes is not between 0 and n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"expected 0 <= successes <= n and n >= 1, found successes={successes}, n={n}")
    p = successes / n
    centre = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # at the ends the bound is exactly 0 or 1; floating point alone would miss it by 1e-17
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return low, high


@dataclass(frozen=True)
class Share:
    """`part` of `n`. With n below MINIMUM_CELL there is neither a value nor an interval."""

    part: int
    n: int

    @property
    def is_suppressed(self) -> bool:
        return 0 < self.n < MINIMUM_CELL

    @property
    def value(self) -> float | None:
        return None if self.n < MINIMUM_CELL else self.part / self.n

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.n < MINIMUM_CELL else wilson_interval(self.part, self.n)
