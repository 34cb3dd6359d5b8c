"""Ends a process that was asked to stop and cannot: the broker's client waits for a hung Redis without bound.

What is cut off so costs nothing but time: its leases run out, and the sweeper sends its chunks to others.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

STOP_SECONDS = 75.0
"""Less than the 90 s after which supervisors and container runtimes kill."""
EXIT_CUT_OFF = 75  #: As sysexits.h has it: temporary failure, try again.


def exit_after(seconds: float, *, end: Callable[[int], object] = os._exit) -> threading.Timer:
    """Begin the countdown; the process's own end comes before it where all is well."""

    def cut_off() -> None:
        log.critical("stopping took longer than %.0f s; ending the process", seconds)
        end(EXIT_CUT_OFF)

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    return timer
