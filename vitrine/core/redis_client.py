"""Connecting to Redis, with timeouts on everything, and translating redis-py's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis.exceptions
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from vitrine.core.errors import BadInput, LedgerUnavailable

SOCKET_TIMEOUT = 10.0
"""Seconds; longer than any of the Lua scripts takes on 100 million pictures."""


def connect_redis(url: str, *, socket_timeout: float | None = SOCKET_TIMEOUT) -> Redis:
    """Return a client without sending anything yet. Raises `BadInput` for an invalid URL, without repeating it."""
    try:
        if urlsplit(url).scheme in {"redis", "rediss"}:
            return _client(url, socket_timeout)
    except ValueError:  # its message repeats part of the URL
        pass
    raise BadInput(
        "VITRINE_REDIS_URL is not a Redis address.",
        hint="Give redis://:password@host:port/0, or rediss:// for TLS; "
        "in the password, write / as %2F, @ as %40, : as %3A, # as %23 and % as %25.",
    )


def _client(url: str, socket_timeout: float | None) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=socket_timeout,
        socket_connect_timeout=5,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
    )


@contextmanager
def redis_errors() -> Iterator[None]:
    """Convert redis-py's errors into `LedgerUnavailable` with a hint."""
    try:
        yield
    except redis.exceptions.AuthenticationError as error:
        raise LedgerUnavailable(
            "Redis refused the password.", hint="Check the one in VITRINE_REDIS_URL."
        ) from error
    except redis.exceptions.ResponseError as error:
        raise _refused(error) from error
    except redis.exceptions.RedisError as error:
        raise LedgerUnavailable(
            f"Redis does not answer ({type(error).__name__}).",
            hint="Start it, or set VITRINE_REDIS_URL; `vitrine standalone` starts its own.",
        ) from error


def _refused(error: redis.exceptions.ResponseError) -> LedgerUnavailable:
    """Return the error for a command that Redis refused. Its own message is left out: it may repeat what was sent."""
    # Before Redis 7, errors inside scripts are wrapped in another message, so redis-py does not recognize their class.
    if isinstance(error, redis.exceptions.OutOfMemoryError) or "-OOM " in str(error):
        return LedgerUnavailable(
            "Redis is full.",
            hint="Raise its maxmemory, wait for jobs to finish, or cancel some: both free memory.",
        )
    if "MISCONF" in str(error):
        return LedgerUnavailable(
            "Redis refuses writes because it cannot save them; usually its disk is full.",
            hint="Free space on the disk with Redis's data (see its log); work then resumes by itself.",
        )
    return LedgerUnavailable(
        f"Redis refused a command ({type(error).__name__}).",
        hint="Check that VITRINE_REDIS_URL names a Redis server that vitrine may write to.",
    )


def as_bytes(value: bytes | str) -> bytes:
    """Return a reply as bytes; clients from `connect_redis` never decode, but their types do not say so."""
    return value if isinstance(value, bytes) else value.encode()
