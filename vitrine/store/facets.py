"""Facets: a catalog field's most common values, or the distribution of its numbers.

Facets count points, that is pictures, because filters select points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

FacetKey: TypeAlias = str | bool


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value and the number of points that have it."""

    value: FacetKey
    points: int


@dataclass(frozen=True, slots=True)
class FacetBin:
    """Number of points whose value is at least `gte` and less than `lt`."""

    gte: float
    lt: float
    points: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One field: `values` for words and booleans, `low` to `high` for numbers."""

    field: str
    kind: str  #: The type of its index: `keyword`, `bool` or `float`.
    values: tuple[FacetValue, ...] = ()  #: Most common first.
    more: bool = False  #: There are more values than these.
    low: float | None = None  #: The smallest number, or None if no point has one.
    high: float | None = None
    bins: tuple[FacetBin, ...] = ()
    """Adjacent, with round edges; each number falls into exactly one. Empty if all numbers are equal or exceed 1e300."""
