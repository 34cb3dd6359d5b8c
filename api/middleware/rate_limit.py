"""The rate limit of each key: one token bucket per key, in this process.

It is in this process, not in Redis, because it protects this process's threads and the queue behind them, must
hold while Redis hangs (when clients retry the most), and costs no round trip. With several API processes behind
one load balancer, a key gets a multiple of the rate; the queue as a whole is limited by the ledger's count of
pending pictures, which is shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimiter:
    """Token buckets by key name, of which there are few; used only on the event loop, so it needs no lock."""

    def __init__(
        self, per_second: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and the time of that count

    def take(self, name: str) -> float:
        """Take one token and return 0, or return the seconds until there is one."""
        now = self._clock()
        tokens, at = self._buckets.get(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        taken = tokens >= 1.0
        self._buckets[name] = (tokens - 1.0 if taken else tokens, now)
        return 0.0 if taken else (1.0 - tokens) / self._per_second
