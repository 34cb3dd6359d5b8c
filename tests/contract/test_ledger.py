"""One suite over both ledgers: in memory, and on a real Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.patience import PATIENCE
from vitrine.core.errors import Conflict, NotFound
from vitrine.core.types import (
    Failure,
    FailureReason,
    ImageRef,
    JobSpec,
    JobState,
    RejectedRow,
    new_job_id,
)
from vitrine.ledger import Deferral, Lease, LeaseRefusal, Ledger, NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.ledger.scripts import job_key, job_keys
from vitrine.testing.memory_ledger import MemoryLedger

SHORT = 0.05
"""Seconds of a lease that is meant to run out within the test."""


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    real = RedisLedger.connect(request.getfixturevalue("redis_server"))
    yield real
    real.close()


def refs(start: int, count: int, host: str = "shop.example") -> list[ImageRef]:
    return [
        ImageRef(n, f"item-{n}", 0, f"https://{host}/{n}.jpg", {"price": 1.5, "tags": ["a"]})
        for n in range(start, start + count)
    ]


def new_job(ledger: Ledger, *sizes: int, seal: bool = True) -> str:
    spec = JobSpec(new_job_id(), "shop", "builtin", "test.csv", created_at=time.time())
    ledger.create(spec)
    start = 0
    for size in sizes:
        ledger.add_chunks(spec.id, [NewChunk(refs(start, size), size)])
        start += size
    if seal:
        ledger.seal(spec.id)
    return spec.id


def leased(ledger: Ledger, job: str, number: int = 0, seconds: float = 60) -> Lease:
    lease = ledger.lease(job, number, seconds=seconds)
    assert isinstance(lease, Lease), lease
    return lease


def failed(
    image: ImageRef, reason: FailureReason = FailureReason.NOT_FOUND, at: float | None = None
) -> Failure:
    return Failure(image, reason, "answered 404", 1, time.time() if at is None else at)


def ordinals(lease: Lease) -> list[int]:
    return [image.ordinal for image in lease.chunk.images]


def counts(ledger: Ledger, job: str) -> tuple[int, int, int, int]:
    status = ledger.status(job)
    assert status.embedded + status.failed + status.cancelled + status.pending == status.images
    return status.embedded, status.failed, status.cancelled, status.pending


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_job_is_open_until_sealed_and_completes_with_its_last_outcome(ledger: Ledger) -> None:
    job = new_job(ledger, 3, 2, seal=False)
    first = leased(ledger, job, 0)
    assert first.chunk.images == tuple(refs(0, 3))
    assert first.spec.collection == "shop"
    assert ledger.finish(first, embedded=ordinals(first), failures=[]).state is JobState.OPEN
    assert ledger.seal(job) is JobState.RUNNING
    assert job in ledger.active_jobs()
    second = leased(ledger, job, 1)
    report = ledger.finish(second, embedded=ordinals(second), failures=[])
    assert (report.accepted, report.newly_embedded, report.state) == (True, 2, JobState.COMPLETED)
    assert job not in ledger.active_jobs()
    assert counts(ledger, job) == (5, 0, 0, 0)
    assert ledger.status(job).finished_at is not None


def test_chunks_written_together_are_numbered_in_order_and_counted(ledger: Ledger) -> None:
    job = new_job(ledger, 2, seal=False)
    several = [NewChunk(refs(2, 3), 3), NewChunk(refs(5, 1), 1), NewChunk(refs(6, 2), 1)]
    assert ledger.add_chunks(job, several) == [1, 2, 3]
    status = ledger.status(job)
    assert (status.images, status.items) == (8, 7)
    assert [ordinals(leased(ledger, job, n)) for n in (1, 2, 3)] == [[2, 3, 4], [5], [6, 7]]


def test_two_writers_of_one_job_lose_nothing(ledger: Ledger) -> None:
    job = new_job(ledger, seal=False)
    numbers: list[int] = []

    def write(start: int) -> None:
        for at in range(start, start + 100, 2):
            numbers.extend(ledger.add_chunks(job, [NewChunk(refs(n, 1), 1) for n in (at, at + 1)]))

    writers = [threading.Thread(target=write, args=(100 * n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(numbers) == list(range(400))
    assert sorted(ordinals(leased(ledger, job, n))[0] for n in numbers) == list(range(400))
    assert ledger.status(job).images == 400


def test_a_job_without_pictures_completes_when_sealed(ledger: Ledger) -> None:
    job = new_job(ledger)
    assert ledger.status(job).state is JobState.COMPLETED


def test_failures_are_kept_with_their_reason_and_end_the_job_so(ledger: Ledger) -> None:
    job = new_job(ledger, 3)
    lease = leased(ledger, job)
    bad = failed(lease.chunk.images[1])
    report = ledger.finish(lease, embedded=[0, 2], failures=[bad])
    assert report.state is JobState.COMPLETED_WITH_FAILURES
    assert ledger.status(job).failed_by_reason == {"not_found": 1}
    assert list(ledger.failures(job)) == [bad]
    assert list(ledger.failures(job, reason="timeout")) == []
    assert list(ledger.failures(job, host="SHOP.example")) == [bad]
    assert list(ledger.failures(job, items=frozenset({"item-1"}))) == [bad]


def test_finishing_twice_counts_once(ledger: Ledger) -> None:
    job = new_job(ledger, 4, seal=False)
    lease = leased(ledger, job)
    bad = failed(lease.chunk.images[3])
    for _ in range(3):
        ledger.finish(lease, embedded=[0, 1, 2], failures=[bad])
    assert counts(ledger, job) == (3, 1, 0, 0)
    assert ledger.status(job).failed_by_reason == {"not_found": 1}


def test_failures_are_listed_from_an_ordinal_on(ledger: Ledger) -> None:
    job = new_job(ledger, 40)
    lease = leased(ledger, job)
    bad = [failed(image) for image in lease.chunk.images]
    ledger.finish(lease, embedded=[], failures=bad)
    for after in (-1, 0, 6, 7, 8, 38, 39, 1000):
        assert list(ledger.failures(job, after=after)) == bad[after + 1 :]


def test_a_chunk_of_any_size_is_finished_picture_by_picture(ledger: Ledger) -> None:
    job = new_job(ledger, 600, seal=False)
    lease = leased(ledger, job)
    bad = [failed(image) for image in lease.chunk.images[250:520:9]]
    ledger.finish(lease, embedded=[], failures=bad)
    assert counts(ledger, job) == (0, 30, 0, 570)
    report = ledger.finish(lease, embedded=ordinals(lease), failures=[])
    assert report.newly_embedded == 600
    assert counts(ledger, job) == (600, 0, 0, 0)
    assert list(ledger.failures(job)) == []


def test_embedded_wins_over_an_earlier_failure_and_is_never_taken_back(ledger: Ledger) -> None:
    job = new_job(ledger, 1, seal=False)
    lease = leased(ledger, job)
    ledger.finish(lease, embedded=[], failures=[failed(lease.chunk.images[0])])
    ledger.finish(lease, embedded=[0], failures=[])
    ledger.finish(lease, embedded=[], failures=[failed(lease.chunk.images[0])])
    assert counts(ledger, job) == (1, 0, 0, 0)
    assert ledger.status(job).failed_by_reason == {}
    assert list(ledger.failures(job)) == []


def test_finishing_tells_which_failures_are_new_by_reason(ledger: Ledger) -> None:
    job = new_job(ledger, 4)
    lease = leased(ledger, job)
    images = lease.chunk.images
    three = [failed(images[0]), failed(images[1]), Failure(images[2], FailureReason.TIMEOUT, "")]
    told = ledger.finish(lease, embedded=[], failures=three[1:])
    assert told.newly_failed_by == {three[1].reason: 1, "timeout": 1}
    assert ledger.sweep(job, lost_before=0) == [0]
    again = ledger.finish(leased(ledger, job), embedded=[3], failures=three)
    assert again.newly_failed_by == {three[0].reason: 1}
    assert again.newly_failed == 1


def test_attempts_are_those_that_were_neither_finished_nor_given_back(ledger: Ledger) -> None:
    job = new_job(ledger, 1)
    assert ledger.attempts(job, [0, 7]) == [0, 0]
    assert ledger.attempts(job, []) == []
    for _ in range(2):
        lease = ledger.lease(job, 0, seconds=SHORT)
        assert isinstance(lease, Lease)
        time.sleep(2 * SHORT)
    assert ledger.attempts(job, [0]) == [2]
    given_back = leased(ledger, job)
    ledger.release(given_back)
    assert ledger.attempts(job, [0]) == [2]


def test_a_leased_chunk_is_refused_and_a_finished_one_is_done(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    lease = leased(ledger, job)
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.LEASED
    ledger.finish(lease, embedded=ordinals(lease), failures=[])
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.DONE
    assert ledger.lease(job, 7, seconds=60) is LeaseRefusal.DONE
    assert ledger.lease("nosuchjob", 0, seconds=60) is LeaseRefusal.UNKNOWN


def test_a_lease_that_ran_out_is_swept_and_comes_back_as_a_second_attempt(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    dead = leased(ledger, job, seconds=SHORT)
    assert dead.attempt == 1
    until(lambda: ledger.sweep(job, lost_before=0) == [0])
    assert ledger.sweep(job, lost_before=0) == []
    assert not ledger.renew(dead, seconds=60)
    again = leased(ledger, job)
    assert again.attempt == 2
    late = ledger.finish(dead, embedded=[0], failures=[])
    assert (late.accepted, late.newly_embedded) == (False, 1)
    ledger.finish(again, embedded=[0, 1], failures=[])
    assert counts(ledger, job) == (2, 0, 0, 0)


def test_a_renewed_lease_outlives_its_first_term(ledger: Ledger) -> None:
    job = new_job(ledger, 1)
    lease = leased(ledger, job, seconds=SHORT)
    assert ledger.renew(lease, seconds=60)
    time.sleep(2 * SHORT)
    assert ledger.sweep(job, lost_before=0) == []
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.LEASED


def test_a_chunk_whose_message_was_lost_is_sent_again(ledger: Ledger) -> None:
    job = new_job(ledger, 1, 1)
    [queued, _] = ledger.queued_at(job, [0, 1])
    assert queued is not None
    assert ledger.sweep(job, lost_before=queued - 1) == []
    assert sorted(ledger.sweep(job, lost_before=ledger.clock() + 1)) == [0, 1]
    assert ledger.queued_at(job, [0, 99])[1] is None


def test_a_picture_that_kills_three_times_is_named_and_a_bystander_is_cleared(
    ledger: Ledger,
) -> None:
    job = new_job(ledger, 3)
    for suspects, culprits in [((), ()), ((1,), ()), ((1,), ()), ((), (1,))]:
        lease = leased(ledger, job, seconds=SHORT)
        assert (lease.suspects, lease.poison_ordinals) == (suspects, culprits)
        ledger.suspect(lease, 0)
        ledger.suspect(lease, None)
        ledger.suspect(lease, 1)
        until(lambda: ledger.sweep(job, lost_before=0) == [0])
    assert leased(ledger, job).attempt == 5


def test_a_struck_picture_that_comes_through_is_cleared(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    ledger.suspect(leased(ledger, job, seconds=SHORT), 1)
    until(lambda: ledger.sweep(job, lost_before=0) == [0])
    lease = leased(ledger, job, seconds=SHORT)
    assert lease.suspects == (1,)
    ledger.suspect(lease, 1)
    ledger.suspect(lease, None)
    until(lambda: ledger.sweep(job, lost_before=0) == [0])
    assert leased(ledger, job).suspects == ()


def test_released_chunks_do_not_count_the_attempt_and_wait_until_due(ledger: Ledger) -> None:
    job = new_job(ledger, 1)
    lease = leased(ledger, job)
    ledger.release(lease, due=ledger.clock() + 3600)
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.NOT_DUE
    assert ledger.sweep(job, lost_before=0) == []
    ledger.release(lease)
    job = new_job(ledger, 1)
    ledger.release(leased(ledger, job))
    assert ledger.sweep(job, lost_before=0) == [0]
    assert leased(ledger, job).attempt == 1


def test_pictures_put_off_stay_in_the_chunk_until_they_are_due(ledger: Ledger) -> None:
    job = new_job(ledger, 3)
    lease = leased(ledger, job)
    slow = lease.chunk.images[2]
    later = ImageRef(slow.ordinal, slow.item_id, slow.index, slow.url, slow.payload, rounds=1)
    far = ledger.clock() + 3600
    report = ledger.finish(lease, embedded=[0, 1], failures=[], deferrals=[Deferral(later, far)])
    assert report.state is JobState.RUNNING
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.NOT_DUE
    assert counts(ledger, job) == (2, 0, 0, 1)


def test_pictures_named_nowhere_come_back_at_once(ledger: Ledger) -> None:
    job = new_job(ledger, 3)
    ledger.finish(leased(ledger, job), embedded=[0], failures=[])
    assert ledger.sweep(job, lost_before=0) == [0]
    rest = leased(ledger, job)
    assert (ordinals(rest), rest.attempt) == ([1, 2], 1)


def test_cancelling_stops_queued_chunks_at_once_and_leased_ones_when_they_end(
    ledger: Ledger,
) -> None:
    job = new_job(ledger, 2, 3)
    lease = leased(ledger, job, 0)
    assert ledger.cancel(job) is JobState.CANCELLING
    assert ledger.lease(job, 1, seconds=60) is LeaseRefusal.CANCELLED
    assert not ledger.renew(lease, seconds=60)
    report = ledger.finish(lease, embedded=[0], failures=[])
    assert report.state is JobState.CANCELLED
    assert counts(ledger, job) == (1, 0, 4, 0)
    with pytest.raises(Conflict):
        ledger.cancel(job)


def test_cancelling_an_idle_job_is_immediate_and_its_dead_leases_end_it(ledger: Ledger) -> None:
    job = new_job(ledger, 9)
    assert ledger.cancel(job) is JobState.CANCELLED
    assert counts(ledger, job) == (0, 0, 9, 0)
    job = new_job(ledger, 2)
    leased(ledger, job, seconds=SHORT)
    assert ledger.cancel(job) is JobState.CANCELLING

    def cancelled() -> bool:
        ledger.sweep(job, lost_before=0)
        return ledger.status(job).state is JobState.CANCELLED

    until(cancelled)
    assert counts(ledger, job) == (0, 0, 2, 0)


def test_an_outcome_after_the_cancel_replaces_it(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    late = leased(ledger, job, seconds=SHORT)
    ledger.cancel(job)

    def cancelled() -> bool:
        ledger.sweep(job, lost_before=0)
        return ledger.status(job).state is JobState.CANCELLED

    until(cancelled)
    ledger.finish(late, embedded=[0], failures=[failed(late.chunk.images[1])])
    assert counts(ledger, job) == (1, 1, 0, 0)


def finished_with_failures(ledger: Ledger) -> str:
    job = new_job(ledger, 4)
    lease = leased(ledger, job)
    images = lease.chunk.images
    bad = [
        failed(images[1], at=1.0),
        failed(images[2], FailureReason.TIMEOUT, at=1.0),
        failed(images[3], FailureReason.TIMEOUT, at=1.0),
    ]
    ledger.finish(lease, embedded=[0], failures=bad)
    return job


def test_retry_takes_back_only_what_was_asked_for(ledger: Ledger) -> None:
    job = finished_with_failures(ledger)
    numbers = ledger.retry(job, reason="timeout")
    assert len(numbers) == 1
    assert ledger.status(job).state is JobState.RUNNING
    assert job in ledger.active_jobs()
    assert counts(ledger, job) == (1, 1, 0, 2)
    again = leased(ledger, job, numbers[0])
    assert ordinals(again) == [2, 3]
    report = ledger.finish(again, embedded=[2, 3], failures=[])
    assert report.state is JobState.COMPLETED_WITH_FAILURES
    assert ledger.status(job).failed_by_reason == {"not_found": 1}


def test_retry_that_matches_nothing_changes_nothing(ledger: Ledger) -> None:
    job = finished_with_failures(ledger)
    assert ledger.retry(job, host="elsewhere.example") == []
    assert ledger.status(job).state is JobState.COMPLETED_WITH_FAILURES


def test_retry_is_refused_while_a_job_is_open_or_cancelled(ledger: Ledger) -> None:
    job = new_job(ledger, 1, seal=False)
    with pytest.raises(Conflict):
        ledger.retry(job)
    ledger.cancel(job)
    with pytest.raises(Conflict):
        ledger.retry(job)


def test_chunks_are_refused_once_a_job_is_sealed(ledger: Ledger) -> None:
    job = new_job(ledger, 1)
    with pytest.raises(Conflict):
        ledger.add_chunks(job, [NewChunk(refs(1, 1), 1)])


def test_pending_pictures_are_counted_over_all_jobs(ledger: Ledger) -> None:
    before = ledger.pending_images()
    job = new_job(ledger, 5, seal=False)
    assert ledger.pending_images() - before == 5
    lease = leased(ledger, job)
    ledger.finish(lease, embedded=[0, 1], failures=[failed(lease.chunk.images[2])])
    assert ledger.pending_images() - before == 2
    ledger.cancel(job)
    assert ledger.pending_images() - before == 0


def test_rejected_rows_are_counted_and_the_first_are_kept(ledger: Ledger) -> None:
    job = new_job(ledger, seal=False)
    rows = [RejectedRow("shop.csv", n, "id", "is empty", "empty_id") for n in range(1200)]
    ledger.add_rejected_rows(job, rows, by_code={"empty_id": 1200}, before=0)
    ledger.add_rejected_rows(job, [], by_code={"empty_id": 2, "bad_url": 3}, before=1200)
    status = ledger.status(job)
    assert status.rejected_rows == 1205
    assert status.rejected_by_code == {"bad_url": 3, "empty_id": 1202}
    assert status.broken_off is None
    assert [each.rejected_by_code for each in ledger.jobs() if each.spec.id == job] == [
        status.rejected_by_code
    ]
    assert ledger.problems(job) == rows[:1000]


@pytest.mark.parametrize("earlier", [0, 3, 1000, 1200])
def test_where_a_file_broke_off_is_kept_after_any_number_of_rows(
    ledger: Ledger, earlier: int
) -> None:
    job = new_job(ledger, seal=False)
    rows = [RejectedRow("shop.csv", n, "id", "is empty", "empty_id") for n in range(earlier)]
    end = RejectedRow("shop.csv", None, None, "the gzip data ends too early", "unreadable")
    if rows:
        ledger.add_rejected_rows(job, rows, by_code={"empty_id": earlier}, before=0)
    for _ in range(2):  # The reply to the first call was lost.
        ledger.add_rejected_rows(job, [end], by_code={"unreadable": 1}, before=earlier)
    status = ledger.status(job)
    assert status.broken_off == end
    assert status.rejected_rows == earlier + 1
    assert status.rejected_by_code == {"unreadable": 1} | ({"empty_id": earlier} if rows else {})
    assert ledger.problems(job) == [*rows[:1000], end]


def test_an_unknown_job_is_said_to_be_unknown(ledger: Ledger) -> None:
    calls: Sequence[Callable[[], object]] = [
        lambda: ledger.status("nosuchjob"),
        lambda: list(ledger.failures("nosuchjob")),
        lambda: ledger.cancel("nosuchjob"),
        lambda: ledger.retry("nosuchjob"),
        lambda: ledger.seal("nosuchjob"),
    ]
    for call in calls:
        with pytest.raises(NotFound, match="nosuchjob"):
            call()
    assert ledger.sweep("nosuchjob", lost_before=0) == []


def test_jobs_are_listed_newest_first(ledger: Ledger) -> None:
    spec = JobSpec(new_job_id(), "shop", "builtin", created_at=time.time() + 10_000)
    ledger.create(spec)
    assert ledger.jobs(limit=1)[0].spec == spec


def test_only_one_of_many_takes_a_chunk(ledger: Ledger) -> None:
    job = new_job(ledger, 1)
    taken: list[Lease | LeaseRefusal] = []
    threads = [
        threading.Thread(target=lambda: taken.append(ledger.lease(job, 0, seconds=60)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, Lease) for answer in taken) == 1
    assert len(taken) == 8


@pytest.fixture
def on_redis(redis_server: str) -> Iterator[RedisLedger]:
    ledger = RedisLedger.connect(redis_server)
    yield ledger
    ledger.close()


def blobs(ledger: RedisLedger, job: str) -> int:
    return len(list(ledger._redis.scan_iter(f"vitrine:{{{job}}}:chunk:*")))


def test_failures_far_apart_cost_as_little_as_neighbours(
    on_redis: RedisLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job(on_redis, seal=False)
    far = [ImageRef(n, f"item-{n}", 0, f"https://shop.example/{n}.jpg") for n in (3, 90_000_000)]
    on_redis.add_chunks(job, [NewChunk(far, 2)])
    lease = leased(on_redis, job)
    bad = [failed(image) for image in lease.chunk.images]
    on_redis.finish(lease, embedded=[], failures=bad)
    reads: list[tuple[int, int]] = []
    read = on_redis._redis.getrange

    def noted(key: str, start: int, end: int) -> object:
        reads.append((start, end))
        return read(key, start, end)

    monkeypatch.setattr(on_redis._redis, "getrange", noted)
    assert list(on_redis.failures(job)) == bad
    assert len(reads) == 2
    reads.clear()
    assert list(on_redis.failures(job, after=7)) == bad[1:]
    assert len(reads) == 1


def test_a_finished_job_without_failures_keeps_one_bit_a_picture(on_redis: RedisLedger) -> None:
    job = new_job(on_redis, 64, 64)
    for number in (0, 1):
        lease = leased(on_redis, job, number)
        on_redis.finish(lease, embedded=ordinals(lease), failures=[])
    left = {key for key in job_keys(job, 0, 1) if on_redis._redis.exists(key)}
    assert left == {job_key(job, "job"), job_key(job, "embedded")}
    assert on_redis._redis.strlen(job_key(job, "embedded")) == 16


def test_chunks_whose_answer_was_lost_on_the_way_are_counted_once(
    on_redis: RedisLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job(on_redis, 2, seal=False)
    run = on_redis._scripts.run

    def twice(name: str, keys: list[str], *args: Any) -> object:
        run(name, keys, *args)
        return run(name, keys, *args)

    monkeypatch.setattr(on_redis._scripts, "run", twice)
    several = [NewChunk(refs(2, 3), 3), NewChunk(refs(5, 1), 1)]
    assert on_redis.add_chunks(job, several) == [1, 2]
    assert on_redis.status(job).images == 6
    assert blobs(on_redis, job) == 3


def test_a_cancelled_job_leaves_no_chunk_behind(on_redis: RedisLedger) -> None:
    job = new_job(on_redis, 2, 2, 2)
    leased(on_redis, job, 0, seconds=SHORT)
    on_redis.release(leased(on_redis, job, 1), due=on_redis.clock() + 3600)
    assert blobs(on_redis, job) == 3
    on_redis.cancel(job)
    assert blobs(on_redis, job) == 1

    def cancelled() -> bool:
        on_redis.sweep(job, lost_before=0)
        return on_redis.status(job).state is JobState.CANCELLED

    until(cancelled)
    assert blobs(on_redis, job) == 0


def test_a_sweep_finishes_a_cancel_whose_caller_died(on_redis: RedisLedger) -> None:
    job = new_job(on_redis, 2, 2)
    on_redis._scripts.run("cancel", job_keys(job))
    on_redis.sweep(job, lost_before=0)
    assert on_redis.status(job).state is JobState.CANCELLED
    assert counts(on_redis, job) == (0, 0, 4, 0)
    assert blobs(on_redis, job) == 0
    assert job not in on_redis.active_jobs()


def test_a_retry_that_meets_a_cancel_on_its_way_does_not_undo_it(on_redis: RedisLedger) -> None:
    job = finished_with_failures(on_redis)
    [first, *_] = on_redis.failures(job)
    on_redis.retry(job, reason="timeout")
    on_redis.cancel(job)
    with pytest.raises(Conflict):
        on_redis._requeue(job, [first.image], on_redis.clock())
    assert on_redis.status(job).state is JobState.CANCELLED
    assert counts(on_redis, job) == (1, 1, 2, 0)


def test_a_job_swept_while_it_is_made_is_still_listed(on_redis: RedisLedger) -> None:
    spec = JobSpec(new_job_id(), "shop", "builtin", created_at=time.time())
    on_redis.create(spec)
    on_redis._forget(spec.id)
    on_redis.create(spec)
    assert spec.id in on_redis.active_jobs()


def test_a_job_retried_while_it_finishes_stays_active(on_redis: RedisLedger) -> None:
    job = finished_with_failures(on_redis)
    on_redis.retry(job)
    on_redis._note(job, JobState.COMPLETED_WITH_FAILURES)
    assert job in on_redis.active_jobs()
