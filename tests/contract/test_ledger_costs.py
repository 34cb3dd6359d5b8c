"""A call's cost for Redis does not depend on the size of the job or the number of finished jobs:
commands are counted, not timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vitrine.core.types import ImageRef, JobSpec, new_job_id
from vitrine.ledger import Lease, NewChunk
from vitrine.ledger.redis_ledger import RedisLedger

SMALL, LARGE = 4, 400
"""Chunk counts of the two jobs that are compared."""
SLACK = 3
"""Allowance for commands of the connection's health check and of the count itself."""


@pytest.fixture
def ledger(private_redis: str) -> Iterator[RedisLedger]:
    made = RedisLedger.connect(private_redis)
    yield made
    made.close()


def job_of(ledger: RedisLedger, chunks: int) -> str:
    spec = JobSpec(new_job_id(), "shop", "builtin", created_at=time.time())
    ledger.create(spec)
    images = [ImageRef(n, f"item-{n}", 0, f"https://shop.example/{n}.jpg") for n in range(chunks)]
    ledger.add_chunks(spec.id, [NewChunk([image], 1) for image in images])
    ledger.seal(spec.id)
    return spec.id


def commands(ledger: RedisLedger, call: Callable[[], object]) -> int:
    """Return how many commands the server ran for the call, including those within scripts."""

    def so_far() -> int:
        stats: dict[str, Any] = ledger._redis.info("stats")
        return int(stats["total_commands_processed"])

    before = so_far()
    call()
    return so_far() - before


def one_chunk(ledger: RedisLedger, job: str) -> None:
    lease = ledger.lease(job, 1, seconds=60)
    assert isinstance(lease, Lease)
    ledger.renew(lease, seconds=60)
    ledger.finish(lease, embedded=[1], failures=[])


CALLS: dict[str, Callable[[RedisLedger, str], object]] = {
    "status": lambda ledger, job: ledger.status(job),
    "jobs": lambda ledger, job: ledger.jobs(limit=1),
    "sweep": lambda ledger, job: ledger.sweep(job, lost_before=0.0),
    "pending": lambda ledger, job: ledger.pending_images(),
    "failures": lambda ledger, job: list(ledger.failures(job)),
    "chunk": one_chunk,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_costs_the_same_for_a_large_job(ledger: RedisLedger, name: str) -> None:
    costs: list[int] = []
    for chunks in (SMALL, LARGE):
        job = job_of(ledger, chunks)
        CALLS[name](ledger, job)  # loads its script
        if name == "chunk":
            job = job_of(ledger, chunks)
        costs.append(commands(ledger, lambda job=job: CALLS[name](ledger, job)))  # type: ignore[misc]
        ledger.cancel(job)
    assert abs(costs[1] - costs[0]) <= SLACK


def test_a_sweep_sends_a_bounded_number_of_chunks_at_once(ledger: RedisLedger) -> None:
    job = job_of(ledger, LARGE)
    later = ledger.clock() + 60
    found = [ledger.sweep(job, lost_before=later, limit=100) for _ in range(2)]
    assert [len(numbers) for numbers in found] == [100, 100]
    assert ledger.sweep(job, lost_before=0.0) == []
    ledger.cancel(job)


def test_finished_jobs_cost_nothing_where_pending_pictures_are_counted(ledger: RedisLedger) -> None:
    before = commands(ledger, ledger.pending_images)
    for _ in range(20):
        ledger.cancel(job_of(ledger, 1))
    assert commands(ledger, ledger.pending_images) <= before + SLACK
