"""Since when things have been under way, so that the watchdog can tell a slow batch from a hung one."""

from __future__ import annotations

import itertools
import threading
import time


class InFlight:
    """What the batcher's threads are at: staging, launched batches, calls of the model. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._began: dict[int, float] = {}

    def begin(self) -> int:
        """Note that something begins now; returns what `end` takes."""
        with self._lock:
            number = next(self._numbers)
            self._began[number] = time.monotonic()
            return number

    def end(self, number: int) -> None:
        """Note that it has ended."""
        with self._lock:
            self._began.pop(number, None)

    def since(self) -> float | None:
        """When the oldest of them began, monotonic seconds; None while nothing is under way."""
        with self._lock:
            return min(self._began.values(), default=None)
