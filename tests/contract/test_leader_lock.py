"""The lock by which one worker at a time takes a periodic task, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from vitrine.core.types import new_job_id
from workers.maintenance.leader_lock import try_acquire


@pytest.fixture
def redis(redis_server: str) -> Iterator[Redis]:
    with Redis.from_url(redis_server) as client:
        yield client


def test_one_takes_the_turn_and_nobody_else_for_its_term(redis: Redis) -> None:
    key = f"turn:{new_job_id()}"
    assert try_acquire(redis, key, 60)
    assert not try_acquire(redis, key, 60)
    assert 0 < redis.pttl(key) <= 60_000


def test_a_turn_taken_before_the_clock_was_set_back_ends_within_one_term(redis: Redis) -> None:
    key = f"turn:{new_job_id()}"
    assert try_acquire(redis, key, 5)
    redis.pexpire(key, 3_600_000)
    assert not try_acquire(redis, key, 5)
    assert redis.pttl(key) <= 5_000
