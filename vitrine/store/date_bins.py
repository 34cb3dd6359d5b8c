"""Bins for a field's dates: whole days, weeks, months or years in UTC, the finest that give few enough bins."""

from __future__ import annotations

import datetime as dt

from vitrine.core.datetimes import stored_text

MAX_BINS = 12

_MONTHS = (1, 3, 6)
_YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def date_edges(low: str, high: str) -> list[str]:
    """Return bin edges as stored datetimes: the first at most `low`, the last after `high`, which are such texts too.

    Empty if both are on one day, or if an edge would fall outside the years 0001 to 9999.
    """
    first, last = dt.datetime.fromisoformat(low), dt.datetime.fromisoformat(high)
    if first.date() == last.date():
        return []
    try:
        return [stored_text(edge) for edge in _edges(first, last)]
    except (OverflowError, ValueError):
        return []


def _edges(first: dt.datetime, last: dt.datetime) -> list[dt.datetime]:
    for days in (1, 7):
        if (numbers := _numbers(_day_number(first), _day_number(last), days)) is not None:
            return [_day_start(number) for number in numbers]
    for months in _MONTHS:
        if (numbers := _numbers(_month_number(first), _month_number(last), months)) is not None:
            return [_month_start(number) for number in numbers]
    for years in _YEARS:
        if (numbers := _numbers(first.year, last.year, years)) is not None:
            return [_month_start(12 * max(1, number)) for number in numbers]
    return []


def _numbers(first: int, last: int, step: int) -> range | None:
    """Return multiples of `step` from the one at or below `first` to the one above `last`, None if they are too many."""
    found = range(first // step * step, last // step * step + step + 1, step)
    return found if len(found) - 1 <= MAX_BINS else None


def _day_number(moment: dt.datetime) -> int:
    """Count days so that multiples of 7 are Mondays: 1 January of year 1 was one."""
    return moment.toordinal() - 1


def _day_start(number: int) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromordinal(number + 1), dt.time(), dt.UTC)


def _month_number(moment: dt.datetime) -> int:
    return 12 * moment.year + moment.month - 1


def _month_start(number: int) -> dt.datetime:
    return dt.datetime(number // 12, number % 12 + 1, 1, tzinfo=dt.UTC)
