"""When the stages of one chunk were at work: pictures pass them side by side, so each has a first and a last moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageTimes:
    """Touched from any thread; times are monotonic seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def touch(self, *stages: str) -> None:
        """These stages are at work now."""
        now = time.monotonic()
        with self._lock:
            for stage in stages:
                self._seen[stage] = (self._seen.get(stage, (now, now))[0], now)

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """The stage is at work for the length of the block."""
        self.touch(stage)
        try:
            yield
        finally:
            self.touch(stage)

    def spans(self) -> list[tuple[str, float, float]]:
        """Stage, first and last moment, in the order in which they began."""
        with self._lock:
            found = [(stage, *times) for stage, times in self._seen.items()]
        return sorted(found, key=lambda span: span[1])
