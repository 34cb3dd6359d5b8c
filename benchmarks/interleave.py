"""Interleaved runs of the things being compared, so that other load on the machine affects all of them equally.

Each round runs every callable once, starting with the next one each round, so that none always runs after the
same predecessor. Ratios are computed within a round and then summarized: a slow minute slows both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """A summary of a series of measurements."""

    median: float
    low: float  #: Minimum.
    high: float  #: Maximum.

    @classmethod
    def of(cls, series: Sequence[float]) -> Spread:
        """Summarize a series. Raises `ValueError` if it is empty."""
        if not series:
            raise ValueError("a series without a measurement has no median")
        return cls(statistics.median(series), min(series), max(series))


def interleaved(
    runs: Mapping[str, Callable[[], T]], repeats: int, *, warm_ups: int = 1
) -> dict[str, list[T]]:
    """Run every named callable `repeats` times in rotating order. Returns the results by name, in rounds.

    `warm_ups` uncounted rounds come first. An exception from a callable ends the whole comparison.
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
    """Divide `over` by `under`, round by round. Raises `ValueError` if their lengths differ."""
    return Spread.of([a / b for a, b in zip(over, under, strict=True)])
