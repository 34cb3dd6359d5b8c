"""Turns among the workers: what each could do every few seconds, one of them does."""

from __future__ import annotations

from redis import Redis

from vitrine.redis_client import naming_failures

_FAR = 10
"""Times its own term: nobody's settings for one and the same turn differ by so much."""


def take_turn(redis: Redis, key: str, seconds: float) -> bool:
    """Whether this process may act now; nobody else may for `seconds`. Raises `LedgerUnavailable`."""
    term = max(1, int(seconds * 1000))
    with naming_failures():
        if redis.set(key, b"1", nx=True, px=term):
            return True
        if redis.pttl(key) > _FAR * term:
            # Redis's clock was set back, and the turn would stand until it has come round again.
            redis.pexpire(key, term)
        return False
