"""Parked messages: what came by the queue and no worker understood is kept in Redis, with how often it came, and never run.

A worker parks them; `vitrine doctor` tells of them. The same message once more is counted, not kept twice: a chunk whose
message is of another release is sent again by every sweep.
"""

from __future__ import annotations

from typing import NamedTuple

from redis import Redis

from vitrine.core.redis_client import redis_errors

DEAD_LETTERS_KEY = "vitrine:parked-messages"
"""A hash: the message as text, and how often it came."""
MAX_MESSAGE_CHARS = 65_536
"""Characters kept of one; those of vitrine's own have some hundred."""
_PARK = """
redis.call('HDEL', KEYS[1], '')
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
"""
"""A full Redis takes it too, since HDEL may begin a script there: the message leaves the queue at the same moment."""


class DeadLetterCount(NamedTuple):
    """How many messages are parked."""

    messages: int  #: Different ones.
    times: int  #: How often they came, all together.


def store_dead_letter(redis: Redis, message: str) -> None:
    """Keep a message; raises `LedgerUnavailable`, and it must not be acknowledged then."""
    with redis_errors():
        redis.eval(_PARK, 1, DEAD_LETTERS_KEY, message[:MAX_MESSAGE_CHARS])


def count_dead_letters(redis: Redis) -> DeadLetterCount:
    """How many there are; raises `LedgerUnavailable`."""
    with redis_errors():
        times = [int(count) for count in redis.hvals(DEAD_LETTERS_KEY)]
    return DeadLetterCount(len(times), sum(times))
