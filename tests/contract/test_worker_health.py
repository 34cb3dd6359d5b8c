"""The worker's health check against a real Redis: only a fresh registry entry from this host counts."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from vitrine.core.errors import LedgerUnavailable
from vitrine.messaging import worker_registry
from vitrine.messaging.worker_registry import WorkerInfo
from workers.celery_app.health import alive_here


def worker_on(host: str) -> WorkerInfo:
    return WorkerInfo(
        node=f"builtin.cpu.1@{host}", model="builtin", revision="1", policy="1", dimension=4,
        device="cpu", supports_text=False, pid=1, started_at=time.time(),
    )  # fmt: skip


@pytest.fixture
def redis(redis_server: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_server)
    yield client
    for host in ("here.test", "there.test"):
        worker_registry.deregister_worker(client, worker_on(host).node)
    client.close()


def test_a_worker_of_this_host_is_healthy(redis: Redis, redis_server: str) -> None:
    worker_registry.register_worker(redis, worker_on("here.test"))
    assert alive_here(redis_server, "here.test")


def test_a_worker_of_another_host_does_not_count(redis: Redis, redis_server: str) -> None:
    worker_registry.register_worker(redis, worker_on("there.test"))
    assert not alive_here(redis_server, "here.test")


def test_a_worker_that_stopped_beating_is_not_healthy(
    redis: Redis, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_registry.register_worker(redis, worker_on("here.test"))
    monkeypatch.setattr(worker_registry, "STALE_SECONDS", -1.0)
    assert not alive_here(redis_server, "here.test")


def test_a_redis_that_does_not_answer_is_named() -> None:
    with pytest.raises(LedgerUnavailable, match="does not answer"):
        alive_here("redis://127.0.0.1:1/0", "here.test")
