"""The datetimes of a payload under a key of their own, and the conditions of a filter that look at them.

Engines read many texts as datetimes, each engine its own set, and an index of another type hides them. So each payload
lists those values of its fields that are datetimes to vitrine (`vitrine.core.datetimes`) once more under `dates`, and a
range of dates looks only there: it matches the same points in every store, whatever index the field itself has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vitrine.core.datetimes import is_datetime
from vitrine.core.errors import BadInput
from vitrine.core.filter_values import Scalar
from vitrine.core.filters import And, AnyOf, DateRange, Equals, Filter, Not, Or, period_of
from vitrine.store.base import DATES_FIELD, FIELDS_FIELD
from vitrine.store.field_types import FieldIndexes


def with_dates(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload with the datetimes among its fields' values; unchanged if there are none."""
    fields = payload[FIELDS_FIELD].items()
    dates = {name: found for name, value in fields if (found := _datetimes(value))}
    return payload | {DATES_FIELD: dates} if dates else payload


def _datetimes(value: object) -> str | list[str] | None:
    if isinstance(value, str):
        return value if is_datetime(value) else None
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str) and is_datetime(each)]
    return None


def extreme_stored(payload: Mapping[str, Any] | None, field: str, *, largest: bool) -> str | None:
    """Return the earliest or latest datetime of a field in a payload as stored."""
    found = ((payload or {}).get(DATES_FIELD) or {}).get(field)
    dates = found if isinstance(found, list) else [found] if found else []
    return (max(dates) if largest else min(dates)) if dates else None


def fields_without_dates(where: Filter | None, indexes: FieldIndexes) -> set[str]:
    """Return the fields that a filter compares with dates although they have an index, but none of datetimes."""
    asked = set() if where is None else set(_compared_with_dates(where))
    return {name for name in asked if not _may_hold_dates(name, indexes)}


def with_date_conditions(name: str, where: Filter | None, indexes: FieldIndexes) -> Filter | None:
    """Return the filter for an engine of collection `name`, in which values that are dates also match stored datetimes.

    Raises `BadInput` for a range of dates over a field that is known to hold none: nothing could match it, for
    instance because a version of vitrine without dates has stored the field as text.
    """
    return None if where is None else _Rewriter(name, indexes).rewrite(where)


def _may_hold_dates(name: str, indexes: FieldIndexes) -> bool:
    """Datetimes are indexed from the first one on, except in the fields beyond the limit, which have no index."""
    return indexes.has_dates(name) or not indexes.knows(name)


def _compared_with_dates(where: Filter) -> Iterator[str]:
    match where:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _compared_with_dates(part)
        case Not(part):
            yield from _compared_with_dates(part)
        case DateRange(field):
            yield field
        case Equals(field, value) if period_of(field, value):
            yield field
        case AnyOf(field, values) if any(period_of(field, value) for value in values):
            yield field


class _Rewriter:
    """One pass over one filter."""

    def __init__(self, name: str, indexes: FieldIndexes) -> None:
        self._name = name
        self._indexes = indexes

    def rewrite(self, where: Filter) -> Filter:
        match where:
            case And(parts):
                return And(tuple(self.rewrite(part) for part in parts))
            case Or(parts):
                return Or(tuple(self.rewrite(part) for part in parts))
            case Not(part):
                return Not(self.rewrite(part))
            case Equals(field, value):
                return self._any_of(field, (value,)) or where
            case AnyOf(field, values):
                return self._any_of(field, values) or where
            case DateRange(field):
                self._require_dates(field)
        return where

    def _any_of(self, field: str, values: tuple[Scalar, ...]) -> Filter | None:
        """Return the condition if some of the values are dates and the field may hold datetimes."""
        if not _may_hold_dates(field, self._indexes):
            return None
        periods = tuple(found for value in values if (found := period_of(field, value)))
        # A text that is a stored datetime is found by its index alone; any other text may also be stored as it is.
        others = tuple(v for v in values if not (isinstance(v, str) and is_datetime(v)))
        if not periods:
            return None
        return Or((*periods, AnyOf(field, others))) if others else Or(periods)

    def _require_dates(self, field: str) -> None:
        if _may_hold_dates(field, self._indexes):
            return
        kind = self._indexes.kinds()[field]
        raise BadInput(
            f"filter: the field {field!r} of collection {self._name} holds no dates (its index is {kind}),"
            " so it has no range of dates.",
            hint="If the catalog has dates there, submit it again: they are stored as dates since this version.",
        )
