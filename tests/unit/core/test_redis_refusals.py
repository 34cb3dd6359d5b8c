"""Errors from Redis are reported in words, without repeating the command."""

from __future__ import annotations

import pytest
import redis.exceptions

from vitrine.core.errors import LedgerUnavailable
from vitrine.core.redis_client import redis_errors

MISCONF = "MISCONF Errors writing to the AOF file: No space left on device"
FULL_IN_A_SCRIPT = (
    "Error running script (call to f_secret): @user_script:67: @user_script: 67: "
    "-OOM command not allowed when used memory > 'maxmemory'."
)
"""The message of Redis 6.2, for any script."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (redis.exceptions.ResponseError(MISCONF), "its disk is full. Free space on the disk"),
        (redis.exceptions.ResponseError("MISCONF Redis is configured to save RDB"), "Free space"),
        (redis.exceptions.ResponseError("ERR secret"), "Redis refused a command (ResponseError)."),
        (redis.exceptions.ReadOnlyError("secret"), "Redis refused a command (ReadOnlyError)."),
        (redis.exceptions.OutOfMemoryError("secret"), "Redis is full."),
        (redis.exceptions.ResponseError(FULL_IN_A_SCRIPT), "Redis is full."),
        (redis.exceptions.BusyLoadingError("secret"), "Redis does not answer (BusyLoadingError)."),
        (redis.exceptions.ConnectionError("secret"), "Redis does not answer (ConnectionError)."),
        (redis.exceptions.AuthenticationError("secret"), "Redis refused the password."),
    ],
)
def test_each_refusal_has_its_words(error: redis.exceptions.RedisError, told: str) -> None:
    with pytest.raises(LedgerUnavailable) as caught, redis_errors():
        raise error
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)
