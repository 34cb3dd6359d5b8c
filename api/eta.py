"""How fast a job goes and when it would be done, from its counts as they were seen."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 20.0
"""Long enough that chunks of 64 do not make the rate jump, short enough that a standstill shows."""
LEAST_SECONDS = 1.0
"""A rate over less would be noise."""


class ThroughputWindow:
    """Pictures a second over the last seconds that were seen; not safe for several threads."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()

    def rate(self, now: float, done: int) -> float | None:
        """Note that so many pictures have an outcome at this moment (seconds of any steady clock), and tell the rate.

        None until enough was seen. A retry takes outcomes back: what was seen before counts no more then.
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
    """Seconds until the pending pictures are done at this rate; None where nobody can say."""
    return pending / rate if rate else None
