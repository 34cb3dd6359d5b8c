"""The ledger's clock is set back: nothing waits until it has caught up. One suite over both ledgers.

Redis's clock cannot be changed from here, so for Redis all stored times are moved ahead
instead, which has the same effect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import pytest

from vitrine.core.store_options import StoreOptions
from vitrine.core.types import ImageRef, JobSpec, new_job_id
from vitrine.ledger import Deferral, Lease, Ledger, NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.ledger.scripts import job_key
from vitrine.testing.memory_ledger import MemoryLedger

HOUR = 3600.0
TERM = 30.0
TIMES = ("queued", "leased", "due")


@dataclass
class Bench:
    """A ledger, and a function that sets its clock back for one job by some seconds."""

    ledger: Ledger
    set_back: Callable[[str, float], None]

    def job(self, chunks: int) -> str:
        """Create a sealed job with chunks of two pictures, swept once."""
        spec = JobSpec(new_job_id(), "shop", "builtin", "test", created_at=time.time())
        self.ledger.create(spec)
        for start in range(0, 2 * chunks, 2):
            images = [
                ImageRef(n, f"item-{n}", 0, f"https://shop.example/{n}.jpg")
                for n in range(start, start + 2)
            ]
            self.ledger.add_chunks(spec.id, [NewChunk(images, 2)])
        self.ledger.seal(spec.id)
        assert self.sweep(spec.id) == []
        return spec.id

    def sweep(self, job: str, lost_before: float = 0.0) -> list[int]:
        """Sweep; by default no message counts as lost."""
        return self.ledger.sweep(job, lost_before=lost_before)

    def lease(self, job: str, number: int, seconds: float = TERM) -> Lease:
        """Lease a chunk and require that the lease is granted."""
        lease = self.ledger.lease(job, number, seconds=seconds)
        assert isinstance(lease, Lease), lease
        return lease


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        now = [time.time()]

        def turn(_job: str, seconds: float) -> None:
            now[0] -= seconds

        yield Bench(MemoryLedger(lambda: now[0]), turn)
        return
    real = RedisLedger.connect(request.getfixturevalue("redis_server"))
    redis = real._redis

    def ahead(job: str, seconds: float) -> None:
        for key in (job_key(job, name) for name in TIMES):
            for number in cast("list[bytes]", redis.zrange(key, 0, -1)):
                redis.zincrby(key, seconds, number.decode())
        redis.hincrbyfloat(job_key(job, "job"), "swept", seconds)

    yield Bench(real, ahead)
    real.close()


def test_a_dead_workers_lease_ends_within_its_term_of_the_new_time(bench: Bench) -> None:
    job = bench.job(2)
    bench.lease(job, 0)
    bench.set_back(job, HOUR)
    assert bench.sweep(job) == []
    bench.set_back(job, -TERM - 1)
    assert bench.sweep(job) == [0]
    assert bench.lease(job, 0).attempt == 2


def test_a_live_workers_lease_goes_on(bench: Bench) -> None:
    job = bench.job(1)
    lease = bench.lease(job, 0)
    bench.set_back(job, HOUR)
    bench.sweep(job)
    assert bench.ledger.renew(lease, seconds=TERM)
    assert bench.sweep(job) == []
    assert bench.ledger.finish(lease, embedded=[0, 1], failures=[]).accepted


def test_the_longest_term_of_several_is_left_to_each(bench: Bench) -> None:
    job = bench.job(2)
    bench.lease(job, 0, 5 * TERM)
    bench.lease(job, 1, TERM)
    bench.sweep(job)
    bench.set_back(job, -2 * TERM)
    assert bench.sweep(job) == [1]


def test_what_was_put_off_comes_after_the_seconds_that_it_was_put_off_for(bench: Bench) -> None:
    job = bench.job(1)
    lease = bench.lease(job, 0)
    due = bench.ledger.clock() + 15
    given = [Deferral(image, due) for image in lease.chunk.images]
    bench.ledger.finish(lease, embedded=[], failures=[], deferrals=given)
    bench.set_back(job, HOUR)
    assert bench.sweep(job) == []
    bench.set_back(job, -20)
    assert bench.sweep(job) == [0]


def test_messages_lost_before_the_jump_are_found_after_it(bench: Bench) -> None:
    job = bench.job(1)
    bench.set_back(job, HOUR)
    bench.sweep(job)
    bench.set_back(job, -40)
    assert bench.sweep(job, lost_before=bench.ledger.clock() - 30) == [0]


def test_what_was_queued_keeps_its_order_and_nothing_waiting_is_taken_for_lost(
    bench: Bench,
) -> None:
    job = bench.job(3)
    bench.set_back(job, HOUR)
    bench.sweep(job)
    queued = bench.ledger.queued_at(job, [0, 1, 2])
    times = [one for one in queued if one is not None]
    assert times == sorted(times)
    assert len(times) == 3
    assert max(times) <= bench.ledger.clock()
    # Chunk 0's message is the oldest one waiting, so none queued with it or later was lost.
    assert bench.sweep(job, lost_before=times[0]) == []


def test_an_index_that_waits_does_not_wait_longer_for_a_jump(bench: Bench) -> None:
    ledger = bench.ledger
    spec = JobSpec(new_job_id(), "shop", "builtin", "test", created_at=time.time())
    small = (
        RedisLedger(ledger._redis, options=StoreOptions(index_points=1))
        if isinstance(ledger, RedisLedger)
        else None
    )
    if small is None:
        assert isinstance(ledger, MemoryLedger)
        ledger._options = StoreOptions(index_points=1)
    made: Ledger = small or ledger
    made.create(spec)
    made.add_chunks(spec.id, [NewChunk([ImageRef(0, "item-0", 0, "https://shop.example/0")], 1)])
    made.seal(spec.id)
    made.finish(bench.lease(spec.id, 0), embedded=[0], failures=[])
    made.record_index_progress(spec.id, indexed=0, points=1)
    if small is None:
        bench.set_back(spec.id, HOUR)
    else:
        small._redis.hincrbyfloat(job_key(spec.id, "job"), "index:seen", HOUR)
    assert made.record_index_progress(spec.id, indexed=0, points=1) >= 0.0
