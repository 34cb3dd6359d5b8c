"""The store's circuit breaker, shared by all chunks of a process: while the store is unreachable, one chunk at a time probes it.

A chunk with finished vectors probes by writing them; if there is none, a chunk that waits to start pings the store. The
breaker logs when it opens and closes, and exposes its state through `away`.
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
"""A short interruption is over by the third try, and a hundred processes that probe every ten seconds are no load. A request
to a hanging store takes a little over a minute to time out."""
LONGEST_ASKED = 300.0
"""Seconds. A longer Retry-After is cut to this, so that a store's wrong clock cannot block it for days."""


class StoreBreaker:
    """The store's breaker. Thread-safe; `unix_time` gives the time of an outage that is reported to others."""

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
        """The outage: since when the store is paused, and why; None if it is not."""
        return self._away

    def turn(self) -> float:
        """Return the seconds to wait before calling the store; at 0 the caller must make its call through `call`."""
        with self._lock:
            wait = self._breaker.remaining()
            if not wait:
                self._breaker.begin()
            return wait

    def call(self, call: Callable[[], T], *, proves: bool = True) -> T:
        """Make a call after `turn` returned 0 and record how it ends; raises what the call raises.

        `proves`: whether success shows that writes work, which chunks need, and not only that the store responds.
        """
        try:
            result = call()
        except StoreUnavailable as error:
            self._failed(error)
            raise
        except Exception:
            # The store refused the request, so it is reachable.
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
                "the store does not respond; no chunk starts until it does, next attempt in %.1f s: %s",
                wait, error,
            )  # fmt: skip

    def _came_back(self, *, proves: bool) -> None:
        with self._lock:
            closed = self._breaker.succeeded() if proves else self._breaker.answered()
            away, self._away = self._away, None
        if closed and away is not None:
            log.warning("the store is back after %.1f s", self._unix_time() - away.since)
