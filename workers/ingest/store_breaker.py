"""The breaker before the store, one for all chunks of a process: while the store is away, one of them asks at a time.

Whoever has finished vectors is the probe, with them; where nobody has, a chunk that waits to be begun asks
whether the store answers. It tells the log when it opens and closes, and others through `away`.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from vitrine.core.errors import StoreUnavailable
from vitrine.messaging.worker_registry import StoreOutage
from workers.circuit_breaker import BreakerPolicy, CircuitBreaker, RandomSource

T = TypeVar("T")
log = logging.getLogger(__name__)

TERMS = BreakerPolicy(opens_after=3, first_pause=1.0, longest_pause=10.0, probe=90.0)
"""A blip is over by the third try; a hundred processes that ask every ten seconds are no load. A request to a store that
hangs takes a minute and some seconds until it is given up."""
LONGEST_ASKED = 300.0
"""Seconds; a store that asks for more is asked again after these, so that a slip of its clock costs no day."""


class StoreBreaker:
    """Thread-safe. `unix_time` stamps what others are told."""

    def __init__(
        self,
        terms: BreakerPolicy = TERMS,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: RandomSource = random.uniform,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._breaker = CircuitBreaker(terms, clock=clock, chance=chance)
        self._unix_time = unix_time
        self._lock = threading.Lock()
        self._away: StoreOutage | None = None

    @property
    def away(self) -> StoreOutage | None:
        """Since when the store is left alone, and why; None while it is not."""
        return self._away

    def turn(self) -> float:
        """Seconds to wait before asking the store; at 0 the caller has the turn, and tells how it ended."""
        with self._lock:
            wait = self._breaker.remaining()
            if not wait:
                self._breaker.begin()
            return wait

    def call(self, call: Callable[[], T], *, proves: bool = True) -> T:
        """Make a call whose turn it is, and take note of its end; raises what it raises.

        `proves`: whether its success is one of what chunks need, a write, and not only of an answer.
        """
        try:
            result = call()
        except StoreUnavailable as error:
            self._failed(error)
            raise
        except Exception:
            # It does not like what it was given: it is there.
            self._came_back(proves=False)
            raise
        self._came_back(proves=proves)
        return result

    def _failed(self, error: StoreUnavailable) -> None:
        with self._lock:
            opened = self._breaker.failed(min(error.retry_after or 0.0, LONGEST_ASKED))
            since = self._away.since if self._away else self._unix_time()
            if self._breaker.open:
                self._away = StoreOutage(since, error.message)
            wait = self._breaker.remaining()
        if opened:
            log.error(
                "the store does not answer: no chunk is started until it does, next try in %.1f s: %s",
                wait, error,
            )  # fmt: skip

    def _came_back(self, *, proves: bool) -> None:
        with self._lock:
            closed = self._breaker.succeeded() if proves else self._breaker.answered()
            away, self._away = self._away, None
        if closed and away is not None:
            log.warning("the store is back after %.1f s", self._unix_time() - away.since)
