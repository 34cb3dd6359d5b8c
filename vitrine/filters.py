"""Filters over catalog fields: a small, bounded JSON language and its parsed form.

::

    {"pattern": "stripes"}                         equals
    {"colour": ["red", "blue"]}                    any of
    {"price": {"gte": 10, "lt": 50}}               range: gt, gte, lt, lte
    {"and": [F, …]}  {"or": [F, …]}  {"not": F}    composed; several keys in one object mean and

`parse` turns it into the frozen tree that each store translates to its own form. A field that is really
called `and`, `or` or `not` can be named as `{"fields.and": …}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Equals:
    """The field is, or (a list) contains, the value."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field is, or contains, one of the values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field is a number within the bounds; None leaves a side open."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


Filter: TypeAlias = Equals | AnyOf | Range | And | Or | Not
