"""Successive rounds over an in-memory ledger and store, with the lock in a real Redis."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pytest
from redis import Redis

from vitrine.core.errors import StoreUnavailable
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import (
    Failure,
    FailureReason,
    ImageRef,
    JobSpec,
    JobState,
    new_job_id,
    point_id,
)
from vitrine.ledger import Lease, NewChunk
from vitrine.store import EmbeddingSpace, IndexState, PointBatch, Provenance
from vitrine.testing.memory_ledger import MemoryLedger
from vitrine.testing.memory_store import MemoryStore
from workers.maintenance.index_deferral import LEFT_BEHIND_KEY, LOCK_KEY, IndexDeferral

BULK = 20
PATIENCE = 100.0
SPACE = EmbeddingSpace("m", "r", "p", 4)


class SlowStore(MemoryStore):
    """Builds an index only if the test allows it, and is unreachable while the test says so."""

    def __init__(self) -> None:
        super().__init__(options=StoreOptions(index_points=BULK))
        self.asked: list[str] = []
        self.away = False
        self.builds = False

    def defer_index(self, name: str) -> None:
        self._answer("defer")
        super().defer_index(name)

    def build_index(self, name: str) -> None:
        self._answer("build")
        if self.builds:
            super().build_index(name)
        else:
            self._get(name).deferred = False

    def index_state(self, name: str) -> IndexState:
        if self.away:
            raise StoreUnavailable("gone")
        return super().index_state(name)

    def _answer(self, asked: str) -> None:
        if self.away:
            raise StoreUnavailable("gone")
        self.asked.append(asked)

    def load(self, name: str, count: int) -> None:
        vectors = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
        items = [f"i{row}" for row in range(count)]
        provenance = Provenance("job", "m", "r", "p", "00", None, "2026-01-01T00:00:00Z")
        self.upsert(
            name,
            PointBatch(
                [point_id(name, item, 0) for item in items], vectors, items, [0] * count,
                [""] * count, [{}] * count, [provenance] * count,
            ),
        )  # fmt: skip


class Bench:
    """Workers that share a ledger, a store and a clock that is moved by hand."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.now = 1000.0
        self.ledger = MemoryLedger(lambda: self.now, options=StoreOptions(index_points=BULK))
        self.store = SlowStore()
        self.store.ensure("shop", SPACE)
        self.keeper = self.worker()

    def worker(self, *, defer: bool = True) -> IndexDeferral:
        """Return a worker process's `IndexDeferral`; a killed worker's is simply not called again."""
        return IndexDeferral(
            self.ledger, self.store, self.redis,
            every=5, options=StoreOptions(BULK, defer, PATIENCE),
        )  # fmt: skip

    def job(self, count: int, collection: str = "shop", *, seal: bool = True) -> str:
        spec = JobSpec(new_job_id(), collection, "m")
        self.ledger.create(spec)
        images = [ImageRef(n, f"i{n}", 0, f"https://shop.example/{n}.jpg") for n in range(count)]
        self.ledger.add_chunks(spec.id, [NewChunk(images, count)])
        if seal:
            self.ledger.seal(spec.id)
        return spec.id

    def do(self, job: str, *, failed: int = 0, number: int = 0) -> None:
        """Store a job's chunk and record its outcomes."""
        lease = self.ledger.lease(job, number, seconds=60)
        assert isinstance(lease, Lease)
        images = list(lease.chunk.images)
        split = len(images) - failed
        self.store.load(lease.spec.collection, split)
        self.ledger.finish(
            lease,
            embedded=[image.ordinal for image in images[:split]],
            failures=[Failure(i, FailureReason.TIMEOUT, "slow") for i in images[split:]],
        )

    def round(self, *, left_behind: bool = True) -> list[str]:
        """Run one round; return the calls to the store."""
        self.redis.delete(LOCK_KEY, *([LEFT_BEHIND_KEY] if left_behind else []))
        self.store.asked.clear()
        self.keeper.keep()
        return list(self.store.asked)

    def state(self, job: str) -> JobState:
        return self.ledger.status(job).state

    @property
    def index(self) -> IndexState:
        return self.store.index_state("shop")


@pytest.fixture
def bench(private_redis: str) -> Iterator[Bench]:
    with Redis.from_url(private_redis) as redis:
        yield Bench(redis)


def test_a_bulk_load_is_deferred_built_once_and_waited_for(bench: Bench) -> None:
    job = bench.job(BULK)
    assert bench.round() == ["defer"]
    assert bench.round() == ["defer"]
    bench.do(job)
    assert bench.state(job) is JobState.INDEXING
    assert bench.index.indexed == 0
    assert bench.round() == ["build"]
    assert bench.state(job) is JobState.INDEXING
    bench.store.builds = True
    bench.round()
    bench.round()
    assert bench.state(job) is JobState.COMPLETED
    assert bench.index == IndexState(BULK, BULK, deferred=False, green=True)
    assert bench.round() == []


def test_a_small_job_neither_defers_nor_waits(bench: Bench) -> None:
    job = bench.job(BULK - 1)
    assert bench.round() == []
    bench.do(job)
    assert bench.state(job) is JobState.COMPLETED


def test_an_open_job_is_a_load_like_any_other(bench: Bench) -> None:
    bench.job(BULK, seal=False)
    assert bench.round() == ["defer"]


def test_small_jobs_of_one_collection_add_up(bench: Bench) -> None:
    jobs = [bench.job(BULK // 2) for _ in range(2)]
    assert bench.round() == ["defer"]
    for job in jobs:
        bench.do(job)
    assert {bench.state(job) for job in jobs} == {JobState.COMPLETED}
    assert bench.round() == ["build"]


def test_another_bulk_load_keeps_the_index_waiting_and_both_share_one_build(bench: Bench) -> None:
    first, second = bench.job(BULK), bench.job(BULK)
    bench.do(first)
    bench.store.builds = True
    for _ in range(3):
        assert bench.round() == ["defer"]
    assert bench.state(first) is JobState.INDEXING
    bench.do(second)
    assert bench.round() == ["build"]
    bench.round()
    assert bench.state(first) is bench.state(second) is JobState.COMPLETED


def test_a_tail_of_waiting_pictures_holds_no_index_up(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.round()
    bench.job(2)
    bench.do(job)
    assert bench.round() == ["build"]


def test_more_than_a_tail_keeps_a_deferral_and_begins_none(bench: Bench) -> None:
    bulk, small = bench.job(BULK), bench.job(BULK // 2)
    bench.round()
    bench.do(bulk)
    assert bench.round() == ["defer"]
    bench.do(small)
    bench.round()
    assert not bench.index.deferred
    bench.job(BULK // 2)
    assert "defer" not in bench.round()


def test_a_retry_during_the_wait_does_not_stop_the_build(bench: Bench) -> None:
    job = bench.job(BULK + 1)
    bench.round()
    bench.do(job, failed=1)
    bench.round()
    numbers = bench.ledger.retry(job)
    assert bench.round() == []
    assert not bench.index.deferred
    bench.do(job, number=numbers[0])
    assert bench.state(job) is JobState.INDEXING
    bench.store.builds = True
    bench.round()
    bench.round()
    assert bench.state(job) is JobState.COMPLETED


def test_a_cancelled_load_is_found_and_its_index_built(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.round()
    bench.ledger.cancel(job)
    assert bench.state(job) is JobState.CANCELLED
    assert bench.round(left_behind=False) == []
    assert bench.round() == ["build"]
    assert not bench.index.deferred


def test_the_ledgers_loss_leaves_no_index_deferred(bench: Bench) -> None:
    bench.job(BULK)
    bench.round()
    bench.ledger = MemoryLedger()
    bench.keeper = bench.worker()
    assert bench.round() == ["build"]


def test_any_other_worker_goes_on_from_wherever_one_died(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.store.builds = True
    for turn in range(4):
        if turn == 1:
            bench.do(job)
        bench.round()
        bench.keeper = bench.worker()
    assert bench.state(job) is JobState.COMPLETED
    assert not bench.index.deferred


def test_a_store_that_is_away_delays_the_end_and_does_not_lose_it(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.round()
    bench.do(job)
    bench.store.away = True
    for _ in range(5):
        bench.now += PATIENCE
        assert bench.round() == []
        assert bench.state(job) is JobState.INDEXING
    bench.store.away, bench.store.builds = False, True
    assert bench.round() == ["build"]
    assert bench.state(job) is JobState.INDEXING
    bench.round()
    assert bench.state(job) is JobState.COMPLETED


def test_a_store_that_forgot_is_told_again(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.round()
    bench.store.build_index("shop")  # as after a restart, which loses the deferral
    assert bench.round() == ["defer"]
    bench.do(job)
    bench.round()
    assert bench.round() == ["build"]  # not deferred, but not green yet: repeated until it is


def test_an_index_that_stands_still_is_not_waited_for_for_ever(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    job = bench.job(BULK)
    bench.round()
    bench.do(job)
    bench.round()
    bench.now += PATIENCE / 2
    bench.round()
    assert bench.state(job) is JobState.INDEXING
    bench.now += PATIENCE / 2
    with caplog.at_level(logging.WARNING):
        bench.round()
    assert bench.state(job) is JobState.COMPLETED
    assert f"job {job} is finished without its index, which covers 0 of 20 points" in caplog.text
    assert not bench.index.deferred


def test_a_collection_deleted_meanwhile_is_not_waited_for(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.do(job)
    bench.store.delete("shop")
    bench.round()
    assert bench.state(job) is JobState.COMPLETED


def test_a_collection_that_is_not_there_yet_harms_no_other(bench: Bench) -> None:
    early = bench.job(BULK, "later")
    job = bench.job(BULK)
    assert bench.round() == ["defer", "defer"]
    assert bench.index.deferred
    assert bench.state(early) is bench.state(job) is JobState.RUNNING


def test_one_worker_keeps_at_a_time(bench: Bench) -> None:
    bench.job(BULK)
    bench.redis.set(LOCK_KEY, b"1", px=60_000)
    bench.keeper.keep()
    assert bench.store.asked == []
    assert bench.round() == ["defer"]


def test_where_deferring_is_off_a_bulk_job_waits_all_the_same(bench: Bench) -> None:
    job = bench.job(BULK)
    bench.round()
    bench.keeper = bench.worker(defer=False)
    assert bench.round() == ["build"]
    assert bench.round() == []
    bench.do(job)
    assert bench.state(job) is JobState.INDEXING
    bench.round()
    assert bench.state(job) is JobState.COMPLETED
