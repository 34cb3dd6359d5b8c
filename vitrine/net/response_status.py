"""What an HTTP status means, and how long a host asks to be left alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from vitrine.core.types import FailureReason, ItemFailure

MAX_PAUSE = 3600.0
"""Seconds. A longer Retry-After is cut to an hour, so that a host's wrong clock cannot block it for days."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_ASK_AGAIN = frozenset({408, 425})
"""Request Timeout and Too Early: temporary problems of the host, like 5xx, so worth a retry."""


def is_redirect(status: int) -> bool:
    """Return whether a status, with a Location, leads to another URL."""
    return status in _REDIRECTS


def failure_of(
    status: int, retry_after: str | None, unix_time: Callable[[], float] = time.time
) -> ItemFailure:
    """Return the failure that a status means, for one that is neither a success nor a redirect."""
    asked = retry_after_seconds(retry_after, unix_time) if status in (429, 503) else None
    return ItemFailure(_reason(status), f"the host returned {status}", retry_after=asked)


def retry_after_seconds(
    value: str | None, unix_time: Callable[[], float] = time.time
) -> float | None:
    """Return a Retry-After in seconds, at most an hour; None if it is missing or invalid."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 20:
        return min(float(value), MAX_PAUSE)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - unix_time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_PAUSE)


def _reason(status: int) -> FailureReason:
    if status in _GONE:
        return FailureReason.NOT_FOUND
    if status == 429:
        return FailureReason.RATE_LIMITED
    if status >= 500 or status in _ASK_AGAIN:
        return FailureReason.SERVER_ERROR
    return FailureReason.HTTP_ERROR
