"""Random numbers that depend on the seed and the part of the world alone: a change in one part leaves the rest."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def generator(seed: int, part: str) -> np.random.Generator:
    """A generator of its own for every named part of the world."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(part.encode())])))


class Dice:
    """Single draws for code that goes company by company. Drawn from NumPy in blocks, which is ten times faster."""

    def __init__(self, seed: int, part: str) -> None:
        self._generator = generator(seed, part)
        self._block: list[float] = []

    def uniform(self) -> float:
        """A number in [0, 1)."""
        if not self._block:
            self._block = self._generator.random(4096).tolist()
        return self._block.pop()

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.uniform()

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self.uniform() * len(items))]

    def weighted(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        mark = self.uniform() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` different items (all of them when there are fewer), in random order."""
        pool = list(items)
        return [pool.pop(int(self.uniform() * len(pool))) for _ in range(min(count, len(pool)))]

    def span(self, mean: float) -> float:
        """A duration with that mean: gamma of shape 2, so that none is nearly nothing and few are very long."""
        product = max(self.uniform() * self.uniform(), 1e-12)
        return -float(np.log(product)) * mean / 2

    def count(self, mean: float) -> int:
        """A Poisson count (Knuth's method: multiply uniforms until they fall below exp(-mean))."""
        limit, product, number = float(np.exp(-mean)), self.uniform(), 0
        while product > limit:
            product *= self.uniform()
            number += 1
        return number
