"""The meaning of filters in Python: the reference for tests of the engines' translations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitrine.core.datetimes import is_datetime
from vitrine.core.filter_values import Scalar
from vitrine.core.filters import And, AnyOf, DateRange, Equals, Filter, Not, Or, Range, period_of


def matches(where: Filter, fields: Mapping[str, Any]) -> bool:  # noqa: PLR0911  one for each kind of condition
    """Return whether a point with these catalog fields passes the filter."""
    match where:
        case And(parts):
            return all(matches(part, fields) for part in parts)
        case Or(parts):
            return any(matches(part, fields) for part in parts)
        case Not(part):
            return not matches(part, fields)
        case Equals(field, value):
            return any(_equals(field, stored, value) for stored in _values(fields, field))
        case AnyOf(field, values):
            return any(
                _equals(field, stored, value)
                for stored in _values(fields, field)
                for value in values
            )
        case Range(field):
            return any(_within(where, stored) for stored in _values(fields, field))
        case DateRange(field):
            return any(_within_dates(where, stored) for stored in _values(fields, field))


def _values(fields: Mapping[str, Any], field: str) -> list[Any]:
    stored = fields.get(field)
    return stored if isinstance(stored, list) else [stored]


def _equals(field: str, stored: object, wanted: Scalar) -> bool:
    """Compare values; a date also equals the stored datetimes of its day."""
    period = period_of(field, wanted)
    return _same(stored, wanted) or (period is not None and _within_dates(period, stored))


def _same(stored: object, wanted: Scalar) -> bool:
    """Compare value and kind: numbers by value, but true is not 1 and "1" is not 1."""
    return isinstance(stored, bool) == isinstance(wanted, bool) and stored == wanted


def _within(where: Range, stored: object) -> bool:
    if isinstance(stored, bool) or not isinstance(stored, int | float):
        return False
    return (
        (where.gt is None or stored > where.gt)
        and (where.gte is None or stored >= where.gte)
        and (where.lt is None or stored < where.lt)
        and (where.lte is None or stored <= where.lte)
    )


def _within_dates(where: DateRange, stored: object) -> bool:
    """Compare as texts: the order of stored datetimes is their order in time."""
    if not isinstance(stored, str) or not is_datetime(stored):
        return False
    return (
        (where.gt is None or stored > where.gt)
        and (where.gte is None or stored >= where.gte)
        and (where.lt is None or stored < where.lt)
        and (where.lte is None or stored <= where.lte)
    )
