"""Retries ledger calls while the ledger is unreachable, so that finished work is not lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from vitrine.core.errors import LedgerUnavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds, longer than a restart of Redis takes. After that the work is given up, and the sweeper sends the chunk again."""
PATIENCE_WHEN_STOPPING = 10.0
"""Seconds, out of the 90 within which a process must end."""
_PAUSE = 1.0


class LedgerRetry:
    """Repeats a ledger call until it succeeds or the time is up."""

    def __init__(self, stopping: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        self._stopping = stopping
        self._seconds = seconds

    def __call__(self, call: Callable[[], T]) -> T:
        """Return the call's result; raises `LedgerUnavailable` if the ledger stays unreachable."""
        began = time.monotonic()
        while True:
            try:
                return call()
            except LedgerUnavailable as error:
                limit = PATIENCE_WHEN_STOPPING if self._stopping() else self._seconds
                if time.monotonic() - began >= min(limit, self._seconds):
                    raise
                log.warning("the ledger does not respond, retrying: %s", error)
                time.sleep(_PAUSE)
