"""Asking the ledger again while it is away: the work is done, only its outcome is not written yet."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from vitrine.core.errors import LedgerUnavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds; longer than a restart of Redis takes. What is given up then, the sweeper brings back."""
PATIENCE_WHEN_STOPPING = 10.0
"""Seconds, of the 90 that a process has to end in."""
_PAUSE = 1.0


class LedgerRetry:
    """Calls the ledger until it answers, or until waiting longer is not worth it."""

    def __init__(self, stopping: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        self._stopping = stopping
        self._seconds = seconds

    def __call__(self, call: Callable[[], T]) -> T:
        """What the call gives; raises `LedgerUnavailable` where the ledger stays away."""
        began = time.monotonic()
        while True:
            try:
                return call()
            except LedgerUnavailable as error:
                limit = PATIENCE_WHEN_STOPPING if self._stopping() else self._seconds
                if time.monotonic() - began >= min(limit, self._seconds):
                    raise
                log.warning("the ledger does not answer, retrying: %s", error)
                time.sleep(_PAUSE)
