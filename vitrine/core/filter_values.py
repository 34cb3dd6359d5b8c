"""The values in a filter's JSON form, checked: scalars to compare with, and the bounds of ranges.

Each function takes the value's place in the filter (`at`, such as `filter.price.gte`) and raises `BadInput` that
names it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from vitrine.core.datetimes import read_period
from vitrine.core.errors import BadInput

Scalar: TypeAlias = str | int | float | bool

BOUNDS = ("gt", "gte", "lt", "lte")
MAX_INTEGER = 2**63 - 1  #: The store keeps integers in 64 bits.

_AT_PERIOD_START = frozenset({"gte", "lt"})
"""Bounds that a date sets at the start of its day; `gt` and `lte` set it at the end."""


def checked_scalar(value: object, at: str) -> Scalar:
    """Return a value to compare with."""
    if isinstance(value, str):
        return checked_text(value, at)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, at)
    raise BadInput(f"{at}: expected a string, a number or true or false, not {kind_of(value)}.")


def checked_bounds(value: Mapping[Any, object], at: str) -> dict[str, Any]:
    """Return a range's bounds by name: all numbers, or all datetimes in the form in which they are stored."""
    unknown = [str(key) for key in value if key not in BOUNDS]
    if unknown or not value:
        given = f"not {unknown[0][:40]!r}" if unknown else "none was given"
        raise BadInput(f"{at}: a range has gt, gte, lt or lte, {given}.")
    found = {name: _bound(bound, name, f"{at}.{name}") for name, bound in value.items()}
    if len({isinstance(bound, str) for bound in found.values()}) > 1:
        raise BadInput(f"{at}: a range is of numbers or of dates; these bounds are of both kinds.")
    return found


def checked_text(text: str, at: str) -> str:
    """Return a text that can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{at}: the text contains an unpaired surrogate.") from None
    return text


def kind_of(value: object) -> str:
    """Describe the type of a JSON value for a message."""
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    kinds = {dict: "an object", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else "that")


def _bound(value: object, name: str, at: str) -> int | float | str:
    if isinstance(value, str):
        period = read_period(value)
        if period is None:
            raise BadInput(
                f"{at}: expected a number or a date, such as 2026-11-01 or 2026-11-01T09:30:00Z, not {value[:40]!r}."
            )
        return period.first if name in _AT_PERIOD_START else period.last
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{at}: expected a number or a date, not {kind_of(value)}.")
    return _number(value, at)


def _number(value: int | float, at: str) -> int | float:
    if isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise BadInput(f"{at}: an integer of more than 64 bits.")
    if not math.isfinite(value):
        raise BadInput(f"{at}: expected a finite number.")
    return value
