"""Facets: a catalog field's most common values, or the distribution of its numbers or dates.

Facets count points, that is pictures, because filters select points. A point whose field is a list counts for each of
its different values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

FacetKey: TypeAlias = str | bool
FacetBound: TypeAlias = float | str
"""A number, or a datetime as it is stored (`vitrine.core.datetimes`)."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value and the number of points that have it."""

    value: FacetKey
    points: int


@dataclass(frozen=True, slots=True)
class FacetBin:
    """Number of points whose value is at least `gte` and less than `lt`."""

    gte: FacetBound
    lt: FacetBound
    points: int


@dataclass(frozen=True, slots=True)
class Facet:
    """One field: `values` for words and booleans, `low` to `high` for numbers and dates."""

    field: str
    kind: str  #: The type of its index: `keyword`, `bool`, `float` or `datetime`.
    values: tuple[FacetValue, ...] = ()  #: Most common first.
    more: bool = False  #: There are more values than these.
    low: FacetBound | None = (
        None  #: The smallest number or earliest date, or None if no point has one.
    )
    high: FacetBound | None = None
    bins: tuple[FacetBin, ...] = ()
    """Adjacent, with round edges; each value falls into exactly one.

    Empty if all numbers are equal or exceed 1e300, and if all dates are on one day or an edge would fall after the year 9999.
    """
