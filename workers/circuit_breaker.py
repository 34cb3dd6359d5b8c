"""When somebody who fails again and again is left alone, and when he is tried again: a circuit breaker.

::

             opens_after failures in a row, or "come back later"
    closed ──────────────────────────────────────────────────────▶ open: nobody asks
      ▲                                                             │ the pause is over
      └──────────── the probe succeeds ──── half open: one probe ◀──┘
                                              │ it fails
                                              └──▶ open again, for twice as long

Only the states are kept here: whoever asks says when a call begins and how it ended.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

RandomSource = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """How patient a breaker is; times in seconds."""

    opens_after: int  #: Failures in a row.
    first_pause: float
    longest_pause: float
    probe: float  #: A probe that has not told its end by then counts for nothing.


class CircuitBreaker:
    """One party's state. For one thread at a time; `clock` is monotonic seconds.

    Pauses are drawn from the upper half of their length, so that many processes do not come back at once.
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
        """Whether not everybody may ask: it is open, or half open."""
        return self._until is not None

    @property
    def failures(self) -> int:
        """Failures in a row so far."""
        return self._failures

    def remaining(self) -> float:
        """Seconds until the next call may begin; 0 where one may now. A probe on its way counts to its longest end."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def probing_for(self) -> float | None:
        """Seconds since the probe on its way began; None where there is none."""
        since = self._probing_since
        return None if since is None or not self.remaining() else self._clock() - since

    def begin(self) -> None:
        """A call begins, `remaining` being 0; while it is not closed this one is the probe."""
        if self._until is not None:
            self._probing_since = self._clock()
            self._until = self._probing_since + self._terms.probe

    def succeeded(self) -> bool:
        """A call has succeeded: all is forgotten. Returns whether it was open."""
        was_open = self.open
        self._until = self._probing_since = None
        self._failures, self._pause = 0, self._terms.first_pause
        return was_open

    def answered(self) -> bool:
        """It answers again, which proves little: one failure more opens it as before. Returns whether it was open."""
        was_open = self.open
        if was_open:
            self._until = self._probing_since = None
            self._failures = self._terms.opens_after - 1
        return was_open

    def failed(self, asked: float = 0.0) -> bool:
        """A call has failed; `asked` are seconds to be left alone, where it said so. Returns whether that opened it.

        Calls that began before it opened and fail after change nothing.
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
