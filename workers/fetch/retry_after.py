"""Tracks the hosts that asked to be left alone (429 or 503 with Retry-After), and until when."""

from __future__ import annotations

from collections.abc import Callable

from vitrine.net.response_status import MAX_PAUSE

MAX_HOSTS = 10_000
"""Number of pauses above which the ended ones are removed."""


class HostPauses:
    """Until when each host is left alone, in seconds of `clock`. Not thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def pause(self, host: str, seconds: float) -> None:
        """Leave a host alone for `seconds` from now; a shorter pause never ends a longer one."""
        until = self._clock() + min(seconds, MAX_PAUSE)
        self._until[host] = max(until, self._until.get(host, until))
        if len(self._until) > MAX_HOSTS:
            self._sweep()

    def remaining(self, host: str) -> float:
        """Return for how many more seconds the host must be left alone; 0 if it may be contacted."""
        until = self._until.get(host)
        return 0.0 if until is None else max(0.0, until - self._clock())

    def _sweep(self) -> None:
        now = self._clock()
        self._until = {host: until for host, until in self._until.items() if until > now}
