"""Tracks when running operations began, so that the watchdog can tell a slow batch from a hung one."""

from __future__ import annotations

import itertools
import threading
import time


class InFlight:
    """The running operations of the batcher's threads: staging, launched batches, model calls. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._began: dict[int, float] = {}

    def begin(self) -> int:
        """Record that an operation begins now; return the number to pass to `end`."""
        with self._lock:
            number = next(self._numbers)
            self._began[number] = time.monotonic()
            return number

    def end(self, number: int) -> None:
        """Record that the operation has ended."""
        with self._lock:
            self._began.pop(number, None)

    def since(self) -> float | None:
        """Return when the oldest running operation began, in monotonic seconds; None if there is none."""
        with self._lock:
            return min(self._began.values(), default=None)
