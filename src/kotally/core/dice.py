"""Chance that repeats: the same seed, the same throws."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

HUNDRED: Final = 100


class Dice:
    """Throws that depend on the seed alone; for demos and loads, never for secrets."""

    def __init__(self, *seed: object) -> None:
        self._random: random.Random = random.Random(" ".join(map(str, seed)))  # noqa: S311 - nothing secret comes of it

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return self._random.randint(low, high)

    def chance(self, percent: int) -> bool:
        """Return true in so many of a hundred throws."""
        return self._random.randrange(HUNDRED) < percent

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return self._random.choice(choices)
