"""Ends a process that should stop but cannot, because the broker's client waits indefinitely for a hung Redis.

This costs only time: the leases of its chunks run out, and the sweeper sends the chunks to other workers.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

STOP_SECONDS = 75.0
"""Less than the 90 s after which supervisors and container runtimes kill."""
EXIT_CUT_OFF = 75  #: EX_TEMPFAIL of sysexits.h: a temporary failure, try again.


def exit_after(seconds: float, *, end: Callable[[int], object] = os._exit) -> threading.Timer:
    """Start the countdown; normally the process ends before it does."""

    def cut_off() -> None:
        log.critical("stopping took longer than %.0f s; ending the process", seconds)
        end(EXIT_CUT_OFF)

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    return timer
