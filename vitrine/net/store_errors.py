"""What an error of obstore means. Nothing of its text is repeated: it can contain signed URLs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vitrine.core.types import FailureReason, ItemFailure

_MEANINGS: Sequence[tuple[str, FailureReason, str]] = (
    (
        r"(?:File)?NotFound.*(?:NoSuchBucket|ContainerNotFound|specified bucket does not exist)",
        FailureReason.NOT_FOUND,
        "the store has no such bucket",
    ),
    (r"(?:FileNotFound|NotFoundError)", FailureReason.NOT_FOUND, "the store has no such object"),
    (r"PreconditionError", FailureReason.HTTP_ERROR, "the file changed while it was read"),
    (r"ValueError|InvalidPath", FailureReason.BAD_URL, "a key that the store does not take"),
    (
        r".*(?:169\.254\.|/latest/api/token|/latest/meta-data|metadata|MissingAccount|[Cc]redential|token request)",
        FailureReason.HTTP_ERROR,
        "there are no credentials for the store",
    ),
    (
        r"Permission|Unauthenticated|.*status code: 40[13]",
        FailureReason.HTTP_ERROR,
        "the store refused access with these credentials",
    ),
    (
        r".*(?:status code: (?:429|503)|SlowDown)",
        FailureReason.RATE_LIMITED,
        "the store asked for fewer requests",
    ),
    (r".*status code: 5", FailureReason.SERVER_ERROR, "the store failed"),
    (
        r".*(?:status code: 4|[Rr]eceived redirect)",
        FailureReason.HTTP_ERROR,
        "the store refused the request; check its region and endpoint",
    ),
    (
        r".*(?:timed out|operation timeout|kind: Timeout)",
        FailureReason.TIMEOUT,
        "the store stopped sending",
    ),
)
"""Patterns for an error's type and text, the first that matches counts."""


def translated(error: Exception) -> ItemFailure:
    """Return the failure that an error of obstore means."""
    text = f"{type(error).__name__}: {error}"
    for pattern, reason, detail in _MEANINGS:
        if re.match(pattern, text, re.DOTALL):
            return ItemFailure(reason, detail)
    return ItemFailure(FailureReason.CONNECTION_FAILED, "no connection to the store")
