"""A message of a schema version that this worker does not know is kept, counted, and never run."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis

from vitrine.contracts import SCHEMA_VERSION
from vitrine.settings import Settings
from workers.engine import PARKED_KEY, Engine
from workers.metrics import WorkerMetrics


class Untouchable:
    """Stands for the parts that would do the work."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} of a part was used")


@pytest.fixture
def redis(private_redis: str) -> Any:
    with Redis.from_url(private_redis) as client:
        client.delete(PARKED_KEY)
        yield client
        client.delete(PARKED_KEY)


@pytest.fixture
def engine(redis: Any) -> Engine:
    part: Any = Untouchable()
    return Engine(
        Settings(), model=part, redis=redis, chunks=part, queries=part, batcher=part, info=part,
        metrics=WorkerMetrics(), _stopping=threading.Event(), _closers=ExitStack(),
    )  # fmt: skip


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0, -1])
def test_an_unknown_version_is_parked_and_not_run(engine: Engine, redis: Any, version: int) -> None:
    assert engine.ingest(version, "3f2a9c04d1be", 7) == {
        "parked": f"chunk {version} 3f2a9c04d1be 7"
    }
    assert engine.query(version, "abc") == {"parked": f"query {version} abc"}
    assert redis.lrange(PARKED_KEY, 0, -1) == [
        f"chunk {version} 3f2a9c04d1be 7".encode(), f"query {version} abc".encode(),
    ]  # fmt: skip


def test_a_known_version_goes_to_its_part(engine: Engine, redis: Any) -> None:
    with pytest.raises(AssertionError, match="ingest of a part"):
        engine.ingest(SCHEMA_VERSION, "3f2a9c04d1be", 7)
    with pytest.raises(AssertionError, match="answer of a part"):
        engine.query(SCHEMA_VERSION, "abc")
    assert redis.llen(PARKED_KEY) == 0
