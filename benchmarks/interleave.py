"""Things that are compared take turns, so that whatever else the machine does meets all of them alike.

Each round runs every thing once, and the next round begins with the next one, so that none always runs
after the same neighbour. Ratios are taken within a round and only then summed up: a slow minute slows both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """A series of measurements in three numbers."""

    median: float
    low: float  #: The smallest.
    high: float  #: The largest.

    @classmethod
    def of(cls, series: Sequence[float]) -> Spread:
        """Sum a series up; raises `ValueError` where it is empty."""
        if not series:
            raise ValueError("a series without a measurement has no median")
        return cls(statistics.median(series), min(series), max(series))


def interleaved(
    runs: Mapping[str, Callable[[], T]], repeats: int, *, warm_ups: int = 1
) -> dict[str, list[T]]:
    """Run every named callable `repeats` times, in rotating order; what it returned, by name, in rounds.

    `warm_ups` rounds come before and are not kept. What a callable raises ends the whole comparison.
    """
    names = list(runs)
    kept: dict[str, list[T]] = {name: [] for name in names}
    for turn in range(warm_ups + repeats):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            result = runs[name]()
            if turn >= warm_ups:
                kept[name].append(result)
    return kept


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """`over` divided by `under`, round by round; raises `ValueError` where their lengths differ."""
    return Spread.of([a / b for a, b in zip(over, under, strict=True)])
