"""Promises about a fault besides exact counts: a figure with a bound, and its measured value.

Only `make chaos` checks bounds of time, on an otherwise idle machine; the tests check counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """A figure that must be at most its bound, or at least."""

    what: str
    bound: float
    measured: float  #: NaN if there was nothing to measure, which breaks the promise.
    unit: str = ""
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the figure is within its bound."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        side = "≥" if self.at_least else "≤"
        missed = "" if self.kept else ", **missed**"
        bound = f"{_figure(self.bound)}{self.unit}"
        return f"{self.what} {side} {bound}: {_figure(self.measured)}{self.unit}{missed}"


def at_most(what: str, bound: float, measured: float, unit: str = "") -> Promise:
    """Return a promise with an upper bound."""
    return Promise(what, bound, measured, unit)


def at_least(what: str, bound: float, measured: float, unit: str = "") -> Promise:
    """Return a promise with a lower bound."""
    return Promise(what, bound, measured, unit, at_least=True)


def within(what: str, bound: float, seconds: Sequence[float]) -> Promise:
    """Promise that the longest of these times is at most `bound` seconds."""
    return Promise(what, bound, max(seconds, default=math.nan), " s")


def share(what: str, percent: float, part: float, whole: float) -> Promise:
    """Promise that a part is at most `percent` per cent of the whole."""
    return Promise(what, percent, 100 * part / whole if whole else math.nan, " %")


def _figure(value: float) -> str:
    if math.isnan(value):
        return "not measured"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
