"""Build a facet from an engine's counts. Every engine uses this code, so that all count the same way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from vitrine.core.errors import BadInput
from vitrine.core.filters import And, DateRange, Equals, Filter, Range
from vitrine.store.date_bins import date_edges
from vitrine.store.facets import Facet, FacetBin, FacetValue

MAX_VALUES = 1000  #: Values per facet.
BINS = 10  #: Approximate number of bins for numbers; rounding their edges gives 11 at most.
LARGEST = 1e300  #: Above this magnitude, numbers are not binned.
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Bin widths that people perceive as round, times a power of ten."""


class FacetCounter(Protocol):
    """Counting primitives that an engine provides for the points of one collection."""

    def words(self, field: str, where: Filter | None, limit: int) -> Sequence[FacetValue]:
        """Return the `limit` most common strings of a keyword field."""

    def extreme(self, field: str, where: Filter | None, *, largest: bool) -> float | None:
        """Return the smallest or largest number of a float field, or None if no point has one."""

    def extreme_date(self, field: str, where: Filter | None, *, largest: bool) -> str | None:
        """Return the earliest or latest stored datetime of a datetime field, or None if no point has one."""

    def count(self, where: Filter | None) -> int:
        """Return the exact number of points that pass the filter."""


def facet(
    counter: FacetCounter, indexed: Mapping[str, str], field: str, where: Filter | None, top: int
) -> Facet:
    """Return the field's facet; `indexed` maps the collection's indexed fields to their types.

    Raises `BadInput` for a field without an index and for a `top` out of bounds.
    """
    if not 1 <= top <= MAX_VALUES:
        raise BadInput(f"top: expected 1 to {MAX_VALUES}, not {top}.")
    kind = indexed.get(field)
    if kind is None:
        known = ", ".join(sorted(indexed)) or "none"
        raise BadInput(f"There is no field {field!r} to count.", hint=f"Indexed fields: {known}.")
    if kind == "float":
        return _numbers(counter, field, where)
    if kind == "datetime":
        return _dates(counter, field, where)
    if kind == "bool":
        return Facet(field, kind, tuple(_booleans(counter, field, where)))
    found = sorted(counter.words(field, where, top + 1), key=_commonest_first)
    return Facet(field, kind, tuple(found[:top]), more=len(found) > top)


def _commonest_first(found: FacetValue) -> tuple[int, str]:
    return -found.points, str(found.value)


def _booleans(counter: FacetCounter, field: str, where: Filter | None) -> list[FacetValue]:
    counted = [
        FacetValue(value, counter.count(_also(where, Equals(field, value))))
        for value in (True, False)
    ]
    return sorted((value for value in counted if value.points), key=_commonest_first)


def _numbers(counter: FacetCounter, field: str, where: Filter | None) -> Facet:
    low = counter.extreme(field, where, largest=False)
    high = counter.extreme(field, where, largest=True)
    if low is None or high is None:
        return Facet(field, "float")
    edges = round_edges(low, high)
    bins = tuple(
        FacetBin(gte, lt, counter.count(_also(where, Range(field, gte=gte, lt=lt))))
        for gte, lt in pairwise(edges)
    )
    return Facet(field, "float", low=low, high=high, bins=bins)


def _dates(counter: FacetCounter, field: str, where: Filter | None) -> Facet:
    low = counter.extreme_date(field, where, largest=False)
    high = counter.extreme_date(field, where, largest=True)
    if low is None or high is None:
        return Facet(field, "datetime")
    bins = tuple(
        FacetBin(gte, lt, counter.count(_also(where, DateRange(field, gte=gte, lt=lt))))
        for gte, lt in pairwise(date_edges(low, high))
    )
    return Facet(field, "datetime", low=low, high=high, bins=bins)


def _also(where: Filter | None, condition: Filter) -> Filter:
    return condition if where is None else And((where, condition))


def round_edges(low: float, high: float) -> list[float]:
    """Return bin edges at round numbers: the first at most `low`, the last above `high`.

    Empty if all numbers are equal, or so large that an edge above them could overflow.
    """
    span = high - low
    if span <= 0 or max(abs(low), abs(high)) > LARGEST:
        return []
    step, digits = _step(span / BINS)
    if step == 0 or step < math.ulp(max(abs(low), abs(high))):
        return [low, math.nextafter(high, math.inf)]  # too close together for edges in between
    first, last = math.floor(low / step), math.floor(high / step) + 1
    first -= round(first * step, digits) > low  # the division may have been rounded up,
    last += round(last * step, digits) <= high  # or down
    return [round(number * step, digits) for number in range(first, last + 1)]


def _step(at_least: float) -> tuple[float, int]:
    """Return the smallest round width of at least this size, and the decimal digits its multiples need."""
    if at_least < 1e-290:  # below this, powers of ten run out of precision
        return 0.0, 0
    power = math.floor(math.log10(at_least))
    base = 10.0**power
    width = next((width for width in _ROUND if width * base >= at_least), 10.0)
    return width * base, max(0, 1 - power)
