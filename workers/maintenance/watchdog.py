"""Ends a process whose device hangs: a batch without progress for a minute (`VITRINE_DEVICE_TIMEOUT`) never finishes.

A thread cannot be safely interrupted in a hung driver call, so the whole process exits immediately. Its supervisor
restarts it, and the ledger gives its chunks to other workers after one lease period.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from workers.maintenance.periodic import Periodic

log = logging.getLogger(__name__)

EXIT_HUNG = 70
_LOOK_EVERY = 1.0


class Watchdog:
    """Checks every second when the current batch began."""

    def __init__(
        self,
        batch_began: Callable[[], float | None],
        *,
        hung_after: float,
        device_alive: Callable[[], bool] = lambda: True,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._batch_began = batch_began
        self._device_alive = device_alive
        self._hung_after = hung_after
        self._end = end
        self._looks = Periodic("watchdog", _LOOK_EVERY, lambda: self.look(time.monotonic()))

    def start(self) -> None:
        """Start checking."""
        self._looks.start()

    def close(self) -> None:
        """Stop checking."""
        self._looks.close()

    def look(self, now: float) -> None:
        """End the process if the current batch began too long ago or a batcher thread has died."""
        if not self._device_alive():
            log.critical("the device's thread has ended; ending the process")
            self._end(EXIT_HUNG)
            return
        began = self._batch_began()
        if began is not None and now - began > self._hung_after:
            log.critical("a batch has made no progress for %.0f s; ending the process", now - began)
            self._end(EXIT_HUNG)
