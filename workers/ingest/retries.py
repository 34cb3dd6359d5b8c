"""Decides when a picture with a transient failure is retried: soon within its chunk, deferred, or not at all.

Waits double, with jitter over the upper half, so that a thousand pictures of one host that failed together do not
come back together. A host's Retry-After takes precedence if it is longer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from vitrine.core.types import ImageRef, ItemFailure

FIRST_WAIT = 0.5
LONGEST_RETRY_NOW = 10.0
"""Seconds; a longer wait is not worth holding a chunk's lease for, so the picture is deferred instead."""
FIRST_DEFERRAL = 15.0
LONGEST_DEFERRAL = 3600.0


@dataclass(frozen=True, slots=True)
class RetryNow:
    """Retry within the chunk."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Defer:
    """Defer the picture."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits on retries: `attempts` within one chunk, and `rounds` of deferral."""

    attempts: int
    rounds: int

    def decide(
        self, image: ImageRef, failure: ItemFailure, attempt: int
    ) -> RetryNow | Defer | None:
        """Decide what to do after the given attempt (from 1) of this round; None if the failure is final."""
        if not failure.reason.transient:
            return None
        asked = failure.retry_after or 0.0
        wait = max(asked, _jittered(FIRST_WAIT * 2.0 ** (attempt - 1)))
        if attempt < self.attempts and wait <= LONGEST_RETRY_NOW:
            return RetryNow(wait)
        if image.rounds < self.rounds:
            deferral = max(asked, _jittered(FIRST_DEFERRAL * 2.0**image.rounds))
            return Defer(min(deferral, LONGEST_DEFERRAL))
        return None


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
