"""Proportions with their uncertainty, and a test whether two models differ by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964
"""Quantile of the normal distribution for 95%, two-sided."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """`correct` of `of` were right."""

    correct: int
    of: int

    @classmethod
    def counted(cls, right: NDArray[np.bool_]) -> Proportion:
        """Count one truth value per query."""
        return cls(int(right.sum()), len(right))

    @property
    def share(self) -> float:
        """The share that was right, or 0 without queries."""
        return self.correct / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the share (E. B. Wilson, JASA 22, 1927), which also holds for few queries."""
        if not self.of:
            return 0.0, 1.0
        spread = _Z * _Z / self.of
        middle = (self.share + spread / 2) / (1 + spread)
        half = math.sqrt(self.share * (1 - self.share) * spread + spread * spread / 4)
        half /= 1 + spread
        return max(0.0, middle - half), min(1.0, middle + half)

    def as_json(self) -> dict[str, Any]:
        """Return share, bounds and counts as JSON values."""
        low, high = self.interval
        return {
            "share": round(self.share, 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "correct": self.correct,
            "of": self.of,
        }


@dataclass(frozen=True, slots=True)
class McNemarTest:
    """Two models on the same queries. Only queries that exactly one model got right are informative."""

    only_first: int
    only_second: int

    @classmethod
    def from_outcomes(cls, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemarTest:
        """Count each model's truth values on the same queries."""
        return cls(int((first & ~second).sum()), int((second & ~first).sum()))

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: the probability of a result this uneven between equal models."""
        total = self.only_first + self.only_second
        ways = tail = 1
        for count in range(min(self.only_first, self.only_second)):
            ways = (
                ways * (total - count) // (count + 1)
            )  # the next binomial coefficient from this one
            tail += ways
        # A fraction of integers, because floats would overflow above a thousand queries.
        return min(1.0, float(Fraction(2 * tail, 1 << total)))

    def as_json(self) -> dict[str, Any]:
        """Return the counts and the p-value as JSON values."""
        return {
            "only_first": self.only_first,
            "only_second": self.only_second,
            "p_value": round(self.p_value, 6),
        }
