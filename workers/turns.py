"""Turns among the workers: what each could do every few seconds, one of them does."""

from __future__ import annotations

from redis import Redis

from vitrine.redis_client import naming_failures


def take_turn(redis: Redis, key: str, seconds: float) -> bool:
    """Whether this process may act now; nobody else may for `seconds`. Raises `LedgerUnavailable`."""
    with naming_failures():
        return bool(redis.set(key, b"1", nx=True, px=max(1, int(seconds * 1000))))
