"""Dead letters: messages that no worker understood, kept in Redis with how often each arrived, and never run.

Workers store them and `vitrine doctor` reports them. A repeated message is counted, not stored twice: every
sweep resends a chunk whose message is from another release.
"""

from __future__ import annotations

from typing import NamedTuple

from redis import Redis

from vitrine.core.redis_client import redis_errors

DEAD_LETTERS_KEY = "vitrine:parked-messages"
"""A hash from a message's text to how often it arrived."""
MAX_MESSAGE_CHARS = 65_536
"""Characters to keep of a message; vitrine's own have a few hundred."""
_PARK = """
redis.call('HDEL', KEYS[1], '')
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
"""
"""Also works if Redis is full, because a script that starts with HDEL is allowed then. The message leaves the queue at
the same moment."""


class DeadLetterCount(NamedTuple):
    """Number of dead-lettered messages."""

    messages: int  #: Distinct messages.
    times: int  #: Arrivals of all messages in total.


def store_dead_letter(redis: Redis, message: str) -> None:
    """Store a message. If this raises `LedgerUnavailable`, the message must not be acknowledged."""
    with redis_errors():
        redis.eval(_PARK, 1, DEAD_LETTERS_KEY, message[:MAX_MESSAGE_CHARS])


def count_dead_letters(redis: Redis) -> DeadLetterCount:
    """Count the stored messages. Raises `LedgerUnavailable`."""
    with redis_errors():
        times = [int(count) for count in redis.hvals(DEAD_LETTERS_KEY)]
    return DeadLetterCount(len(times), sum(times))
