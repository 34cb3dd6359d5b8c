"""The meaning of filters in Python: the reference for tests of the engines' translations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitrine.core.filters import And, AnyOf, Equals, Filter, Not, Or, Range, Scalar


def matches(where: Filter, fields: Mapping[str, Any]) -> bool:
    """Return whether a point with these catalog fields passes the filter."""
    match where:
        case And(parts):
            return all(matches(part, fields) for part in parts)
        case Or(parts):
            return any(matches(part, fields) for part in parts)
        case Not(part):
            return not matches(part, fields)
        case Equals(field, value):
            return any(_same(stored, value) for stored in _values(fields, field))
        case AnyOf(field, values):
            return any(
                _same(stored, value) for stored in _values(fields, field) for value in values
            )
        case Range(field):
            return any(_within(where, stored) for stored in _values(fields, field))


def _values(fields: Mapping[str, Any], field: str) -> list[Any]:
    stored = fields.get(field)
    return stored if isinstance(stored, list) else [stored]


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
