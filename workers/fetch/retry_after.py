"""Politeness: which hosts asked to be left alone (429 or 503 with Retry-After), and until when."""

from __future__ import annotations

from collections.abc import Callable

MAX_PAUSE = 3600.0
"""Seconds; a host that asks for more is asked again after an hour, so that a slip of its clock costs no day."""

MAX_HOSTS = 10_000
"""Pauses remembered before the ended ones are swept out."""


class HostPauses:
    """Until when each host is left alone; times are those of `clock`, in seconds. For one thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def pause(self, host: str, seconds: float) -> None:
        """Leave a host alone from now on; a shorter pause never ends a longer one."""
        until = self._clock() + min(seconds, MAX_PAUSE)
        self._until[host] = max(until, self._until.get(host, until))
        if len(self._until) > MAX_HOSTS:
            self._sweep()

    def remaining(self, host: str) -> float:
        """Seconds that the host is still to be left alone; 0 where it may be asked."""
        until = self._until.get(host)
        return 0.0 if until is None else max(0.0, until - self._clock())

    def _sweep(self) -> None:
        now = self._clock()
        self._until = {host: until for host, until in self._until.items() if until > now}
