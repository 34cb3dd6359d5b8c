"""A circuit breaker: pauses calls to a service that keeps failing, then probes it.

::

             opens_after failures in a row, or "come back later"
    closed ──────────────────────────────────────────────────────▶ open: no calls
      ▲                                                             │ the pause is over
      └──────────── the probe succeeds ──── half open: one probe ◀──┘
                                              │ it fails
                                              └──▶ open again, for twice as long

It keeps only the state: the caller reports when a call begins and how it ended.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

RandomSource = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """The limits of a breaker; times in seconds."""

    opens_after: int  #: Failures in a row.
    first_pause: float
    longest_pause: float
    probe: float  #: A probe whose end is not reported by then no longer counts.


class CircuitBreaker:
    """The state for one service. Not thread-safe; `clock` returns monotonic seconds.

    A pause is random, between half and all of its length, so that many processes do not come back together.
    """

    def __init__(
        self,
        terms: BreakerPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: RandomSource = random.uniform,
    ) -> None:
        self._terms = terms
        self._clock = clock
        self._chance = chance
        self._failures = 0
        self._pause = terms.first_pause
        self._until: float | None = None  #: Set while it is not closed.
        self._probing_since: float | None = None

    @property
    def open(self) -> bool:
        """Whether calls are restricted: the breaker is open or half open."""
        return self._until is not None

    @property
    def failures(self) -> int:
        """Failures in a row so far."""
        return self._failures

    def remaining(self) -> float:
        """Return the seconds until the next call may begin, 0 if now; a running probe counts with its longest duration."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def probing_for(self) -> float | None:
        """Return the seconds since the running probe began; None if there is none."""
        since = self._probing_since
        return None if since is None or not self.remaining() else self._clock() - since

    def begin(self) -> None:
        """Record that a call begins, which requires `remaining` to be 0; unless the breaker is closed, it is the probe."""
        if self._until is not None:
            self._probing_since = self._clock()
            self._until = self._probing_since + self._terms.probe

    def succeeded(self) -> bool:
        """Record a success and reset the breaker. Return whether it was open."""
        was_open = self.open
        self._until = self._probing_since = None
        self._failures, self._pause = 0, self._terms.first_pause
        return was_open

    def answered(self) -> bool:
        """Record a response that proves little: the breaker closes, but one more failure reopens it. Return whether it was open."""
        was_open = self.open
        if was_open:
            self._until = self._probing_since = None
            self._failures = self._terms.opens_after - 1
        return was_open

    def failed(self, asked: float = 0.0) -> bool:
        """Record a failure; `asked` is the pause that the service requested, in seconds. Return whether this opened the breaker.

        Calls that began before the breaker opened and fail afterwards change nothing.
        """
        self._failures += 1
        if self._until is None:
            if self._failures < self._terms.opens_after and not asked:
                return False
            self._rest(asked)
            return True
        if self._probing_since is not None:
            self._rest(asked)
        return False

    def _rest(self, asked: float) -> None:
        pause = self._chance(self._pause / 2, self._pause)
        self._pause = min(self._terms.longest_pause, self._pause * 2)
        self._probing_since = None
        self._until = self._clock() + max(asked, pause)
