"""Lets only one of the workers do a periodic task that each of them could do."""

from __future__ import annotations

from redis import Redis

from vitrine.core.redis_client import redis_errors

_FAR = 10
"""Factor by which a lock's remaining time may exceed this process's own term: settings never differ by more."""
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
"""
"""A full Redis refuses a script whose first write could need memory. DEL needs none, so the sweeper can run and free some."""


def try_acquire(redis: Redis, key: str, seconds: float) -> bool:
    """Return whether this process may act now; if so, no other may for `seconds`. Raises `LedgerUnavailable`."""
    term = max(1, int(seconds * 1000))
    with redis_errors():
        if redis.eval(_TAKE, 1, key, term):
            return True
        if redis.pttl(key) > _FAR * term:
            # Redis's clock was set back; without this, the lock would last until the clock catches up.
            redis.pexpire(key, term)
        return False
