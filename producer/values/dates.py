"""Dates and times as the store indexes them (`vitrine.core.datetimes`): UTC texts of the form `2026-11-30T10:00:00Z`.

ISO 8601 and RFC 2822 (the `pubDate` of RSS) say what they mean, as does `30.11.2026`. For `11/12/2026` a column's
first values decide which number is the day. A time without a zone is taken as UTC; fractions of a second are dropped.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from vitrine.core.datetimes import stored_text

DateForm: TypeAlias = Callable[[str], str | None]
"""Returns the normal form of a date; None for a text that is not a date of this form."""

MAX_CHARS = 40
_TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:[.,][0-9]{1,9})? ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_RFC = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ?)?[0-9]{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}(?::[0-9]{2})? "
    r"(?:[+-][0-9]{4}|GMT|UT|UTC|Z|[ECMP][SD]T)"
)


def normal_datetime(value: str | dt.date) -> str | None:
    """Return a date, a datetime, or an ISO 8601 or RFC 2822 text as UTC text, None for anything else.

    The form is `2026-11-30T10:00:00Z`, with the years 0001 to 9999.
    """
    if isinstance(value, dt.datetime):
        return _utc(value)
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    return iso_date(value) or rfc_date(value)


def iso_date(text: str) -> str | None:
    """Return an ISO 8601 date or datetime in the normal form."""
    if len(text) > MAX_CHARS or (parts := _ISO.fullmatch(text)) is None:
        return None
    day, minutes, seconds, zone = parts.groups()
    try:
        if minutes is None:
            return normal_datetime(dt.date.fromisoformat(day))
        whole = dt.datetime.fromisoformat(
            f"{day}T{minutes}{seconds or ':00'}{(zone or '').upper()}"
        )
    except ValueError:
        return None
    return _utc(whole)


def rfc_date(text: str) -> str | None:
    """Return an RFC 2822 date in the normal form."""
    if len(text) > MAX_CHARS or not _RFC.fullmatch(text):
        return None
    try:
        return _utc(parsedate_to_datetime(text))
    except ValueError:
        return None


def date_form(texts: Sequence[str]) -> tuple[DateForm | None, bool]:
    """Return the form that all these texts have, and whether the texts leave open which number is the day."""
    if not texts or not texts[0][:1].isalnum() or len(texts[0]) > MAX_CHARS:
        return None, False
    for form in (iso_date, rfc_date, *_CLEAR):
        if all(form(text) is not None for text in texts):
            return form, False
    for day_first, month_first in _EITHER:
        fitting = [form for form in (day_first, month_first) if all(map(form, texts))]
        if fitting:
            return (fitting[0], False) if len(fitting) == 1 else (None, True)
    return None, False


def _numeric(pattern: str) -> DateForm:
    """Return the form of a date in digits; the pattern names `y`, `m` and `d`, and a time can follow."""
    whole = re.compile(rf"{pattern}(?:,?[T ](?P<time>{_TIME}))?")

    def form(text: str) -> str | None:
        if len(text) > MAX_CHARS or (parts := whole.fullmatch(text)) is None:
            return None
        hour, minute, second = (int(part) for part in f"{parts['time'] or '0:00'}:0".split(":")[:3])
        try:
            day = dt.date(int(parts["y"]), int(parts["m"]), int(parts["d"]))
            return _utc(dt.datetime.combine(day, dt.time(hour, minute, second)))
        except ValueError:
            return None

    return form


_YEAR, _MONTH, _DAY = "(?P<y>[0-9]{4})", "(?P<m>[0-9]{1,2})", "(?P<d>[0-9]{1,2})"
_CLEAR = (
    _numeric(rf"{_DAY}\.{_MONTH}\.{_YEAR}"),
    _numeric(f"{_YEAR}/{_MONTH}/{_DAY}"),
    _numeric(rf"{_YEAR}\.{_MONTH}\.{_DAY}"),
)
_EITHER = tuple(
    (_numeric(f"{_DAY}{sign}{_MONTH}{sign}{_YEAR}"), _numeric(f"{_MONTH}{sign}{_DAY}{sign}{_YEAR}"))
    for sign in "/-"
)
"""Forms in which the day or the month comes first."""


def _utc(value: dt.datetime) -> str | None:
    try:
        return stored_text(value)
    except OverflowError:
        return None  # a zone that leads out of the years 1 to 9999
