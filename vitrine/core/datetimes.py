"""Datetimes as the store keeps them, and the ISO 8601 texts that filters accept.

A stored datetime is text of exactly the form `YYYY-MM-DDTHH:MM:SSZ`: UTC, whole seconds, years 0001 to 9999. All
have the same length, so the order of the texts is the order in time. Text of any other form is ordinary text.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

FIRST = "0001-01-01T00:00:00Z"  #: The earliest datetime that can be stored.
LAST = "9999-12-31T23:59:59Z"
LENGTH = 20  #: Characters of a stored datetime.

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_STORED = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}:[0-5][0-9]Z")
_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    rf"(?:[Tt ](?P<clock>{_CLOCK})(?::(?P<seconds>[0-5][0-9])(?:[.,](?P<fraction>[0-9]{{1,9}}))?)?"
    rf"(?: ?(?:[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3])(?::?(?P<minutes>[0-5][0-9]))?))?)?"
)
_SECOND = dt.timedelta(seconds=1)


class Period(NamedTuple):
    """The stored datetimes that a text stands for: from `first` to `last`, both included.

    A date is its whole day in UTC, a datetime is one second. A fraction of a second lies between two stored
    datetimes: `first` is the one after it, `last` the one before, so the period is empty but bounds a range correctly.
    """

    first: str
    last: str


def is_datetime(text: str) -> bool:
    """Return whether a text has exactly the form of a stored datetime and is a real date."""
    # The length is compared first: this runs for every text of every row.
    return len(text) == LENGTH and _STORED.fullmatch(text) is not None and _is_date(text[:10])


def read_period(text: str) -> Period | None:
    """Return the period that an ISO 8601 date or datetime stands for, or None if the text is neither.

    Accepts `2026-11-01`, and with a time `2026-11-01T09:30`, `2026-11-01 09:30:15.5`, `2026-11-01T09:30:15+02:00` or
    `…Z`. Without a zone, the text is UTC. None too for what falls outside the years 0001 to 9999.
    """
    match = _ISO.fullmatch(text)
    if match is None or not _is_date(match["date"]):
        return None
    try:
        return _period(match)
    except OverflowError:
        return None


def stored_text(moment: dt.datetime) -> str:
    """Return a datetime as it is stored. Without a zone it is UTC; a fraction of a second is dropped.

    Raises `OverflowError` if it falls outside the years 0001 to 9999 in UTC.
    """
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='seconds')}Z"


def _period(match: re.Match[str]) -> Period:
    day = dt.datetime.fromisoformat(match["date"])
    if match["clock"] is None:
        return Period(stored_text(day), f"{match['date']}T23:59:59Z")
    moment = dt.datetime.fromisoformat(f"{match['date']}T{match['clock']}") - _offset(match)
    moment += dt.timedelta(seconds=int(match["seconds"] or 0))
    after = moment + _SECOND if (match["fraction"] or "").strip("0") else moment
    return Period(stored_text(after), stored_text(moment))


def _offset(match: re.Match[str]) -> dt.timedelta:
    size = dt.timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    return -size if match["sign"] == "-" else size


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
