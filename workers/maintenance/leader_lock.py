"""Turns among the workers: what each could do every few seconds, one of them does."""

from __future__ import annotations

from redis import Redis

from vitrine.core.redis_client import redis_errors

_FAR = 10
"""Times its own term: nobody's settings for one and the same turn differ by so much."""
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
"""
"""A full Redis refuses the first write of a script where it could take memory, and DEL takes none: whoever sweeps frees some."""


def try_acquire(redis: Redis, key: str, seconds: float) -> bool:
    """Whether this process may act now; nobody else may for `seconds`. Raises `LedgerUnavailable`."""
    term = max(1, int(seconds * 1000))
    with redis_errors():
        if redis.eval(_TAKE, 1, key, term):
            return True
        if redis.pttl(key) > _FAR * term:
            # Redis's clock was set back, and the turn would stand until it has come round again.
            redis.pexpire(key, term)
        return False
