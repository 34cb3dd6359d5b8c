"""Ends a process whose device hangs: a batch without progress for a minute (`VITRINE_DEVICE_TIMEOUT`) never comes back.

There is no safe way to take a thread out of a hung driver call, so the process goes, at once; its
supervisor starts it anew, and the ledger gives its chunks to somebody after one lease.
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
    """Looks every second at when the current batch began."""

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
        """Start looking."""
        self._looks.start()

    def close(self) -> None:
        """Stop looking."""
        self._looks.close()

    def look(self, now: float) -> None:
        """End the process if the current batch began too long ago, or nobody is left to embed any."""
        if not self._device_alive():
            log.critical("the device's thread has ended; ending the process")
            self._end(EXIT_HUNG)
            return
        began = self._batch_began()
        if began is not None and now - began > self._hung_after:
            log.critical("a batch has made no progress for %.0f s; ending the process", now - began)
            self._end(EXIT_HUNG)
