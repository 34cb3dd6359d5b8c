"""How often one key may ask: a token bucket each, in this process.

In this process, not in Redis: the limit protects this process's threads and the queue behind them, must
hold while Redis hangs (when clients try hardest), and costs no round trip. Several API processes behind
one balancer give a key so many times the rate; what bounds the queue as a whole is the ledger's count of
pending pictures, which is shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimiter:
    """Buckets by name; used on the event loop only, hence without a lock. Names are those of keys: few."""

    def __init__(
        self, per_second: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and when there were so many

    def take(self, name: str) -> float:
        """Take one token: 0, or the seconds until there will be one."""
        now = self._clock()
        tokens, at = self._buckets.get(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second)
        taken = tokens >= 1.0
        self._buckets[name] = (tokens - 1.0 if taken else tokens, now)
        return 0.0 if taken else (1.0 - tokens) / self._per_second
