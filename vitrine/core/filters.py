"""Filters over catalog fields: a small, bounded JSON language and its parsed form.

::

    {"pattern": "stripes"}                         equals
    {"colour": ["red", "blue"]}                    any of
    {"price": {"gte": 10, "lt": 50}}               range of numbers: gt, gte, lt, lte
    {"added": {"gte": "2026-11-01"}}               range of dates, likewise
    {"and": [F, …]}  {"or": [F, …]}  {"not": F}    composed; several keys in one object mean and

`parse_filter` parses it into a frozen tree, which each store translates to its native form. A field that is actually
called `and`, `or` or `not` can be written as `{"fields.and": …}`; one such prefix is always removed.

Numbers compare by value: 10 equals 10.0, but true does not equal 1. `not` also matches points that lack
the field. A list matches if one of its elements does.

Dates are ISO 8601, in UTC if they name no zone. A date without a time is the whole day: `lte` includes it to its end,
`gt` starts after it, and `{"added": "2026-11-03"}` matches every datetime of that day, besides that very text. A
datetime is one second (`vitrine.core.datetimes`). Only stored datetimes lie in a range of dates; other texts never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from vitrine.core.datetimes import is_datetime, read_period
from vitrine.core.errors import BadInput
from vitrine.core.filter_values import (
    BOUNDS,
    Scalar,
    checked_bounds,
    checked_scalar,
    checked_text,
    kind_of,
)


@dataclass(frozen=True, slots=True)
class Equals:
    """The field equals the value or, if it is a list, contains it."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field equals or contains one of the values; at least one is required."""

    field: str
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("AnyOf needs at least one value")


@dataclass(frozen=True, slots=True)
class Range:
    """The field is a number within the bounds; None means unbounded."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True, slots=True)
class DateRange:
    """The field is a datetime within the bounds, which have the form of stored datetimes; None means unbounded."""

    field: str
    gt: str | None = None
    gte: str | None = None
    lt: str | None = None
    lte: str | None = None

    def __post_init__(self) -> None:
        if not all(is_datetime(bound) for bound in bounds(self).values()):
            raise ValueError("the bounds of a DateRange are datetimes as they are stored")


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; at least one is required."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("Or needs at least one part")


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


Filter: TypeAlias = Equals | AnyOf | Range | DateRange | And | Or | Not

MAX_DEPTH = 8  #: Levels of `and`, `or` and `not`, the outermost object included.
MAX_CONDITIONS = 100  #: Conditions on fields in one filter; each is a look-up in the store.
MAX_VALUES = 1000  #: Values of all any-of conditions in one filter.
MAX_FIELD_LENGTH = 128  #: Characters.

_FIELD_PREFIX = "fields."
_OPERATORS = frozenset({"and", "or", "not"})


def parse_filter(value: object, *, root: str = "filter", max_depth: int = MAX_DEPTH) -> Filter:
    """Parse a filter given as JSON values (dicts, lists, strings, numbers, booleans) into its tree.

    `root` is the name of the whole filter in messages. Raises `BadInput` naming the position, as in
    `filter.price.gte: expected a number, not a string`.
    """
    return _Parser(max_depth).filter(value, root, depth=1)


def to_json(where: Filter) -> dict[str, Any]:
    """Return the JSON form of a tree; `parse_filter` is the inverse.

    It can be nested twice as deep as the original JSON, because an object with several keys becomes an
    `and`.
    """
    match where:
        case Equals(field, value):
            return {_key(field): value}
        case AnyOf(field, values):
            return {_key(field): list(values)}
        case Range(field) | DateRange(field):
            return {_key(field): bounds(where)}
        case And(parts):
            return {"and": [to_json(part) for part in parts]}
        case Or(parts):
            return {"or": [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}


def bounds(where: Range | DateRange) -> dict[str, Any]:
    """Return the bounds of a range that are set, by name."""
    return {name: bound for name in BOUNDS if (bound := getattr(where, name)) is not None}


def filter_fields(where: Filter) -> frozenset[str]:
    """Return the names of the catalog fields that a filter uses."""
    return frozenset(_fields(where))


def without_field(where: Filter | None, field: str) -> Filter | None:
    """Remove the outermost conditions that use only this field; None if no condition is left."""
    if where is None:
        return None
    parts = where.parts if isinstance(where, And) else (where,)
    left = tuple(part for part in parts if filter_fields(part) != {field})
    return None if not left else left[0] if len(left) == 1 else And(left)


def _fields(where: Filter) -> Iterator[str]:
    match where:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields(part)
        case Not(part):
            yield from _fields(part)
        case Equals(field) | AnyOf(field) | Range(field) | DateRange(field):
            yield field


def _key(field: str) -> str:
    needs_prefix = field in _OPERATORS or field.startswith(_FIELD_PREFIX)
    return _FIELD_PREFIX + field if needs_prefix else field


class _Parser:
    """A single pass over one filter that counts conditions and values against the limits."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._conditions = 0
        self._values = 0
        self._composed: dict[str, Callable[[object, str, int], Filter]] = {
            "and": lambda value, at, depth: And(self._parts(value, at, depth)),
            "or": lambda value, at, depth: Or(self._parts(value, at, depth)),
            "not": lambda value, at, depth: Not(self.filter(value, at, depth)),
        }

    def filter(self, value: object, at: str, depth: int) -> Filter:
        if depth > self._max_depth:
            raise BadInput(f"{at}: nested deeper than {self._max_depth} levels.")
        if not isinstance(value, Mapping):
            raise BadInput(f"{at}: expected an object, not {kind_of(value)}.")
        if not value:
            raise BadInput(f"{at}: an empty object filters nothing; leave the filter out instead.")
        parts = tuple(self._entry(key, entry, at, depth) for key, entry in value.items())
        return parts[0] if len(parts) == 1 else And(parts)

    def _entry(self, key: object, value: object, at: str, depth: int) -> Filter:
        if not isinstance(key, str):
            raise BadInput(f"{at}: keys are strings, not {kind_of(key)}.")
        compose = self._composed.get(key)
        if compose is not None:
            return compose(value, f"{at}.{key}", depth + 1)
        return self._condition(_field(key, at), value, f"{at}.{key}")

    def _parts(self, value: object, at: str, depth: int) -> tuple[Filter, ...]:
        if not isinstance(value, list) or not value:
            raise BadInput(f"{at}: expected a list of at least one filter, not {kind_of(value)}.")
        return tuple(self.filter(part, f"{at}[{i}]", depth) for i, part in enumerate(value))

    def _condition(self, field: str, value: object, at: str) -> Filter:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise BadInput(f"{at}: more than {MAX_CONDITIONS} conditions in one filter.")
        if isinstance(value, Mapping):
            return _range(field, value, at)
        if isinstance(value, list):
            return AnyOf(field, self._any_of(value, at))
        return Equals(field, checked_scalar(value, at))

    def _any_of(self, values: list[object], at: str) -> tuple[Scalar, ...]:
        self._values += len(values)
        if not values:
            raise BadInput(f"{at}: an empty list matches nothing; name at least one value.")
        if self._values > MAX_VALUES:
            raise BadInput(f"{at}: more than {MAX_VALUES} values to choose from in one filter.")
        return tuple(checked_scalar(value, f"{at}[{i}]") for i, value in enumerate(values))


def _field(key: str, at: str) -> str:
    field = key.removeprefix(_FIELD_PREFIX)
    if not field:
        raise BadInput(f"{at}: a field needs a name.")
    if len(field) > MAX_FIELD_LENGTH:
        raise BadInput(f"{at}: a field name longer than {MAX_FIELD_LENGTH} characters.")
    if not is_filterable(field):
        raise BadInput(f'{at}.{key}: names with " or \\ cannot be filtered by.')
    return checked_text(field, at)


def is_filterable(field: str) -> bool:
    """Whether the store's path syntax can name the field: it has quoting, but no escaping."""
    return bool(field) and '"' not in field and "\\" not in field


def period_of(field: str, value: Scalar) -> DateRange | None:
    """Return the stored datetimes that a date or a datetime, compared for equality, stands for; None for other values."""
    period = read_period(value) if isinstance(value, str) else None
    return None if period is None else DateRange(field, gte=period.first, lte=period.last)


def _range(field: str, value: Mapping[Any, object], at: str) -> Range | DateRange:
    found = checked_bounds(value, at)
    if any(isinstance(bound, str) for bound in found.values()):
        return DateRange(field, **found)
    return Range(field, **found)
