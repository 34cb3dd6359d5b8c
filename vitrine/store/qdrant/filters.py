"""Conversion of filters to a Qdrant server's form."""

from __future__ import annotations

from collections.abc import Sequence

from qdrant_client import models

from vitrine.core.filter_values import Scalar
from vitrine.core.filters import And, AnyOf, DateRange, Equals, Filter, Not, Or, Range, bounds
from vitrine.store.base import ITEM_FIELD
from vitrine.store.field_types import EXACT_FLOAT_INTEGER, date_path, payload_path


def qdrant_filter(
    where: Filter | None, *, without_items: Sequence[str] = (), item: str | None = None
) -> models.Filter | None:
    """Filter by catalog fields, excluding some items or keeping only one. None if everything passes."""
    must: list[models.Condition] = [] if where is None else [_condition(where)]
    if item is not None:
        must.append(_match(ITEM_FIELD, models.MatchValue(value=item)))
    must_not: list[models.Condition] = []
    if without_items:
        must_not.append(_match(ITEM_FIELD, models.MatchAny(any=list(without_items))))
    return models.Filter(must=must, must_not=must_not) if must or must_not else None


def _condition(where: Filter) -> models.Condition:  # noqa: PLR0911  one for each kind of condition
    match where:
        case And(parts):
            return models.Filter(must=[_condition(part) for part in parts])
        case Or(parts):
            return models.Filter(should=[_condition(part) for part in parts])
        case Not(part):
            return models.Filter(must_not=[_condition(part)])
        case Equals(field, value):
            return _equals(field, value)
        case AnyOf(field, values):
            return _any_of(field, values)
        case Range(field):
            return _range(payload_path(field), models.Range(**bounds(where)))
        case DateRange(field):
            return _range(date_path(field), models.DatetimeRange(**bounds(where)))


def _any_of(field: str, values: Sequence[Scalar]) -> models.Filter:
    """Match all strings in one condition, and numbers and booleans one by one, because there are seldom many."""
    words = [value for value in values if isinstance(value, str)]
    should: list[models.Condition] = [_equals(field, v) for v in values if not isinstance(v, str)]
    if words:
        should.append(_match(payload_path(field), models.MatchAny(any=words)))
    return models.Filter(should=should)


def _equals(field: str, value: Scalar) -> models.FieldCondition:
    """Compare numbers by value, as a range of one value. Above 2**53, only integers are exact."""
    if isinstance(value, bool | str):
        return _match(payload_path(field), models.MatchValue(value=value))
    if isinstance(value, int) and abs(value) > EXACT_FLOAT_INTEGER:
        return _match(payload_path(field), models.MatchValue(value=value))
    return _range(payload_path(field), models.Range(gte=value, lte=value))


def _match(key: str, match: models.MatchValue | models.MatchAny) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=match)


def _range(key: str, range_: models.RangeInterface) -> models.FieldCondition:
    return models.FieldCondition(key=key, range=range_)
