"""A job's rate and remaining time, from its counts over the last seconds."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 20.0
"""Long enough that chunks of 64 pictures do not make the rate jump, short enough to show a standstill."""
LEAST_SECONDS = 1.0
"""A rate over a shorter time would be noise."""


class ThroughputWindow:
    """Pictures per second over the last seconds observed; not thread-safe."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, now: float, done: int) -> float | None:
        """Record that `done` pictures have an outcome at `now` (seconds of any steady clock), and return the rate.

        Returns None until the observed time suffices. A retry takes outcomes back; earlier observations are then dropped.
        """
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - self._window:
            self._seen.popleft()
        began, first = self._seen[0]
        seconds = now - began
        return (done - first) / seconds if seconds >= LEAST_SECONDS else None


def seconds_left(pending: int, rate: float | None) -> float | None:
    """Return the seconds until the pending pictures are done at this rate; None if the rate is unknown or 0."""
    return pending / rate if rate else None
