"""Conversion of filters to the embedded engine's form, and the extra payload key it needs.

The engine's Python binding reads `MatchValue(True)` as the integer 1, which matches no boolean. Each payload
therefore also lists its booleans as words (`onsale=true`) under a separate key with a keyword index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import qdrant_edge as q

from vitrine.core.filter_values import Scalar
from vitrine.core.filters import And, AnyOf, DateRange, Equals, Filter, Not, Or, Range, bounds
from vitrine.store.base import FIELDS_FIELD, ITEM_FIELD
from vitrine.store.field_types import EXACT_FLOAT_INTEGER, date_path, payload_path

FLAGS_FIELD = "flags"

Condition: TypeAlias = q.FieldCondition | q.Filter


def with_flags(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload as the engine stores it: with its booleans as words."""
    fields: Mapping[str, Any] = payload[FIELDS_FIELD]
    flags = [
        _flag(name, each)
        for name, value in fields.items()
        for each in (value if isinstance(value, list) else (value,))
        if isinstance(each, bool)
    ]
    return payload | {FLAGS_FIELD: flags}


def engine_filter(
    where: Filter | None, *, without_items: Sequence[str] = (), item: str | None = None
) -> q.Filter | None:
    """Filter by catalog fields, excluding some items or keeping only one. None if everything passes."""
    must: list[Any] = [] if where is None else [_condition(where)]
    if item is not None:
        must.append(q.FieldCondition(ITEM_FIELD, match=q.MatchValue(item)))
    must_not: list[Any] = []
    if without_items:
        must_not.append(q.FieldCondition(ITEM_FIELD, match=q.MatchAny(list(without_items))))
    return q.Filter(must=must, must_not=must_not) if must or must_not else None


def _condition(where: Filter) -> Condition:  # noqa: PLR0911  one for each kind of condition
    match where:
        case And(parts):
            return q.Filter(must=[_condition(part) for part in parts])
        case Or(parts):
            return q.Filter(should=[_condition(part) for part in parts])
        case Not(part):
            return q.Filter(must_not=[_condition(part)])
        case Equals(field, value):
            return _equals(field, value)
        case AnyOf(field, values):
            return _any_of(field, values)
        case Range(field):
            return q.FieldCondition(payload_path(field), range=q.RangeFloat(**bounds(where)))
        case DateRange(field):
            return q.FieldCondition(date_path(field), range=q.RangeDateTime(**bounds(where)))


def _any_of(field: str, values: Sequence[Scalar]) -> q.Filter:
    """Match all strings in one condition, and numbers and booleans one by one, because there are seldom many."""
    words = [value for value in values if isinstance(value, str)]
    should: list[Any] = [_equals(field, value) for value in values if not isinstance(value, str)]
    if words:
        should.append(q.FieldCondition(payload_path(field), match=q.MatchAny(words)))
    return q.Filter(should=should)


def _equals(field: str, value: Scalar) -> q.FieldCondition:
    if isinstance(value, bool):
        return q.FieldCondition(FLAGS_FIELD, match=q.MatchValue(_flag(field, value)))
    if isinstance(value, str):
        return q.FieldCondition(payload_path(field), match=q.MatchValue(value))
    if isinstance(value, int) and abs(value) > EXACT_FLOAT_INTEGER:
        return q.FieldCondition(payload_path(field), match=q.MatchValue(value))
    return q.FieldCondition(payload_path(field), range=q.RangeFloat(gte=value, lte=value))


def _flag(field: str, value: bool) -> str:  # noqa: FBT001  a value, not a switch
    return f"{field}={'true' if value else 'false'}"
