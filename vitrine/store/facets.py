"""What a catalog field holds, counted: its commonest values, or how its numbers are spread.

Counts are of points, that is of pictures, as those are what a filter passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

FacetKey: TypeAlias = str | bool


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value, and how many points have it."""

    value: FacetKey
    points: int


@dataclass(frozen=True, slots=True)
class FacetBin:
    """How many points have a number of at least `gte` and less than `lt`."""

    gte: float
    lt: float
    points: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One field: `values` where it holds words or booleans, `low` to `high` where it holds numbers."""

    field: str
    kind: str  #: The type of its index: `keyword`, `bool` or `float`.
    values: tuple[FacetValue, ...] = ()  #: The commonest first.
    more: bool = False  #: There are more values than these.
    low: float | None = None  #: The smallest number; None where no point has one.
    high: float | None = None
    bins: tuple[FacetBin, ...] = ()
    """Side by side, at round numbers, each point with a number in exactly one; empty where all have the same (or are beyond 1e300)."""
