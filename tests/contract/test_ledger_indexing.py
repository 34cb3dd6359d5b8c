"""Jobs that wait for their collection's index: the behaviour of both ledgers, in memory and on a real Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from vitrine.core.errors import Conflict, NotFound
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import Failure, FailureReason, ImageRef, JobSpec, JobState, new_job_id
from vitrine.ledger import Lease, Ledger, NewChunk
from vitrine.ledger.base import MAX_INDEX_CHECK_GAP
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.ledger.scripts import job_key
from vitrine.testing.memory_ledger import MemoryLedger

BULK = 3
"""Embedded pictures from which on a job in these tests waits for its index."""


@dataclass
class Bench:
    """A ledger, and a function that moves a job's last index check some seconds into the past."""

    ledger: Ledger
    pass_time: Callable[[str, float], None]
    jobs: list[str] = field(default_factory=list)

    def job(self, images: int, *, seal: bool = True) -> str:
        spec = JobSpec(new_job_id(), "shop", "builtin", "test.csv", created_at=time.time())
        self.ledger.create(spec)
        self.jobs.append(spec.id)
        refs = [ImageRef(n, f"item-{n}", 0, f"https://shop.example/{n}.jpg") for n in range(images)]
        self.ledger.add_chunks(spec.id, [NewChunk(refs, images)])
        if seal:
            self.ledger.seal(spec.id)
        return spec.id

    def finish(self, job: str, *, failed: int = 0, number: int = 0) -> JobState:
        """Finish a chunk; its last `failed` pictures fail."""
        lease = self.ledger.lease(job, number, seconds=60)
        assert isinstance(lease, Lease), lease
        images = lease.chunk.images
        good, bad = images[: len(images) - failed], images[len(images) - failed :]
        report = self.ledger.finish(
            lease,
            embedded=[image.ordinal for image in good],
            failures=[Failure(image, FailureReason.TIMEOUT, "slow", 1, 0.0) for image in bad],
        )
        return report.state

    def indexing(self, images: int = BULK, *, failed: int = 0) -> str:
        """Create a job that waits for its index."""
        job = self.job(images)
        assert self.finish(job, failed=failed) is JobState.INDEXING
        return job

    def state(self, job: str) -> JobState:
        return self.ledger.status(job).state


def _in_memory() -> Bench:
    ahead = [0.0]

    def pass_time(_: str, seconds: float) -> None:
        ahead[0] += seconds

    return Bench(
        MemoryLedger(lambda: time.time() + ahead[0], options=StoreOptions(index_points=BULK)),
        pass_time,
    )


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        yield _in_memory()
        return
    real = RedisLedger.connect(
        request.getfixturevalue("redis_server"), options=StoreOptions(index_points=BULK)
    )

    def pass_time(job: str, seconds: float) -> None:
        # Redis's clock cannot be moved, so move the time it stored.
        key = job_key(job, "job")
        seen = float(real._redis.hget(key, "index:seen") or 0)
        real._redis.hset(key, "index:seen", f"{seen - seconds:.6f}")

    made = Bench(real, pass_time)
    yield made
    for job in made.jobs:  # Leave no waiting job to other suites on the same server.
        real.complete(job)
    real.close()


def test_a_bulk_job_waits_for_its_index_and_stays_active(bench: Bench) -> None:
    job = bench.indexing()
    status = bench.ledger.status(job)
    assert not status.state.finished
    assert (status.pending, status.embedded, status.finished_at) == (0, BULK, None)
    assert job in bench.ledger.active_jobs()
    assert bench.ledger.complete(job) is JobState.COMPLETED
    assert bench.ledger.complete(job) is JobState.COMPLETED
    assert job not in bench.ledger.active_jobs()
    assert bench.ledger.status(job).finished_at is not None


def test_a_waiting_job_holds_no_back_pressure(bench: Bench) -> None:
    before = bench.ledger.pending_images()
    job = bench.job(BULK)
    assert bench.ledger.pending_images() == before + BULK
    bench.finish(job)
    assert bench.ledger.pending_images() == before


def test_a_waiting_job_with_failures_ends_with_them(bench: Bench) -> None:
    job = bench.indexing(BULK + 1, failed=1)
    assert bench.ledger.complete(job) is JobState.COMPLETED_WITH_FAILURES


def test_a_small_job_does_not_wait_nor_one_that_embedded_little(bench: Bench) -> None:
    assert bench.finish(bench.job(BULK - 1)) is JobState.COMPLETED
    assert bench.finish(bench.job(BULK), failed=1) is JobState.COMPLETED_WITH_FAILURES


def test_a_job_sealed_after_its_last_outcome_waits_too(bench: Bench) -> None:
    job = bench.job(BULK, seal=False)
    assert bench.finish(job) is JobState.OPEN
    assert bench.ledger.seal(job) is JobState.INDEXING


@pytest.mark.parametrize("sealed", [False, True])
def test_only_a_waiting_job_can_be_completed(bench: Bench, sealed: bool) -> None:
    job = bench.job(BULK, seal=sealed)
    expected = JobState.RUNNING if sealed else JobState.OPEN
    assert bench.ledger.complete(job) is expected
    bench.ledger.cancel(job)
    assert bench.ledger.complete(job) is JobState.CANCELLED
    with pytest.raises(NotFound):
        bench.ledger.complete(new_job_id())


def test_a_waiting_job_has_no_chunks_to_send_again(bench: Bench) -> None:
    job = bench.indexing()
    assert bench.ledger.sweep(job, lost_before=time.time() + 1000) == []
    assert bench.state(job) is JobState.INDEXING


def test_a_waiting_job_has_nothing_to_cancel(bench: Bench) -> None:
    job = bench.indexing()
    with pytest.raises(Conflict, match="indexing"):
        bench.ledger.cancel(job)
    assert bench.state(job) is JobState.INDEXING


def test_a_retry_takes_a_waiting_job_back_to_work_and_it_waits_again(bench: Bench) -> None:
    job = bench.indexing(BULK + 1, failed=1)
    bench.ledger.record_index_progress(job, indexed=1, points=2)
    numbers = bench.ledger.retry(job)
    assert bench.state(job) is JobState.RUNNING
    assert bench.ledger.record_index_progress(job, indexed=1, points=2) == 0.0
    assert bench.ledger.complete(job) is JobState.RUNNING
    assert bench.finish(job, number=numbers[0]) is JobState.INDEXING
    status = bench.ledger.status(job)
    assert (status.indexed, status.points) == (0, 0)
    assert bench.ledger.complete(job) is JobState.COMPLETED


def test_how_far_the_index_is_stands_in_the_status(bench: Bench) -> None:
    job = bench.indexing()
    bench.ledger.record_index_progress(job, indexed=12_000, points=50_000)
    status = bench.ledger.status(job)
    assert (status.indexed, status.points) == (12_000, 50_000)


def test_a_standstill_is_timed_and_progress_ends_it(bench: Bench) -> None:
    job = bench.indexing()
    assert bench.ledger.record_index_progress(job, indexed=5, points=9) == 0.0
    for turn in (1, 2):
        bench.pass_time(job, 30)
        still = bench.ledger.record_index_progress(job, indexed=5, points=9)
        assert 30 * turn <= still < 30 * turn + 20  # plus the time the test itself took
    bench.pass_time(job, 30)
    assert bench.ledger.record_index_progress(job, indexed=6, points=9) == 0.0


def test_time_in_which_nobody_looked_is_no_standstill(bench: Bench) -> None:
    job = bench.indexing()
    bench.ledger.record_index_progress(job, indexed=5, points=9)
    bench.pass_time(job, 100 * MAX_INDEX_CHECK_GAP)
    assert bench.ledger.record_index_progress(job, indexed=5, points=9) == MAX_INDEX_CHECK_GAP
