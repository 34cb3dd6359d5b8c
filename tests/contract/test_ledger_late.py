"""Late calls: from a worker whose chunk was passed on, or a second retry of the same failures.
One suite over both ledgers.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from tests.contract.test_ledger import (
    counts,
    failed,
    finished_with_failures,
    leased,
    ledger,
    new_job,
    on_redis,
    ordinals,
    until,
)
from vitrine.core.types import JobState
from vitrine.ledger import Lease, Ledger
from vitrine.ledger.redis_ledger import RedisLedger

__all__ = ["ledger", "on_redis"]  # fixtures

FROZEN = 0.05
"""Seconds of a lease that expires while its worker sleeps."""


def passed_on(ledger: Ledger, job: str) -> tuple[Lease, Lease]:
    """Return the lease of a frozen worker, and the lease of the worker that now has its chunk."""
    frozen = leased(ledger, job, seconds=FROZEN)
    until(lambda: ledger.sweep(job, lost_before=0) == [0])
    return frozen, leased(ledger, job)


def test_a_late_failure_of_a_picture_that_is_retried_is_not_counted(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    frozen, lease = passed_on(ledger, job)
    bad = failed(lease.chunk.images[1], at=1.0)
    ledger.finish(lease, embedded=[0], failures=[bad])
    [retried] = ledger.retry(job)
    late = ledger.finish(frozen, embedded=[0], failures=[bad])
    assert (late.accepted, late.newly_failed, late.newly_failed_by) == (False, 0, {})
    assert late.state is JobState.RUNNING
    assert counts(ledger, job) == (1, 0, 0, 1)
    again = leased(ledger, job, retried)
    assert ledger.finish(again, embedded=[1], failures=[]).state is JobState.COMPLETED
    assert counts(ledger, job) == (2, 0, 0, 0)


def test_a_late_failure_of_a_chunk_that_somebody_has_is_left_to_them(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    frozen, lease = passed_on(ledger, job)
    ledger.finish(frozen, embedded=[], failures=[failed(image) for image in lease.chunk.images])
    assert counts(ledger, job) == (0, 0, 0, 2)
    assert list(ledger.failures(job)) == []
    report = ledger.finish(lease, embedded=[0, 1], failures=[])
    assert (report.accepted, report.state) == (True, JobState.COMPLETED)


def test_what_is_embedded_late_counts(ledger: Ledger) -> None:
    job = new_job(ledger, 2)
    frozen, lease = passed_on(ledger, job)
    assert ledger.finish(frozen, embedded=[0], failures=[]).newly_embedded == 1
    report = ledger.finish(lease, embedded=[0], failures=[failed(lease.chunk.images[1])])
    assert (report.newly_embedded, report.newly_failed) == (0, 1)
    assert report.state is JobState.COMPLETED_WITH_FAILURES


def test_a_chunk_that_a_worker_died_on_stays_one_until_all_of_it_is_done(ledger: Ledger) -> None:
    job = new_job(ledger, 3)
    _, lease = passed_on(ledger, job)
    assert lease.attempt == 2
    ledger.finish(lease, embedded=[0], failures=[])
    assert ledger.attempts(job, [0]) == [1]
    assert ledger.sweep(job, lost_before=0) == [0]
    rest = leased(ledger, job)
    assert rest.attempt == 2
    ledger.finish(rest, embedded=[1, 2], failures=[])
    assert ledger.attempts(job, [0]) == [0]


def test_retries_at_once_put_each_picture_into_one_chunk(ledger: Ledger) -> None:
    job = finished_with_failures(ledger)
    numbers: list[int] = []
    begin = threading.Barrier(4)

    def retry() -> None:
        begin.wait()
        numbers.extend(ledger.retry(job))

    threads = [threading.Thread(target=retry) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queued = Counter(n for number in numbers for n in ordinals(leased(ledger, job, number)))
    assert queued == {1: 1, 2: 1, 3: 1}
    assert counts(ledger, job) == (1, 0, 0, 3)


@pytest.mark.parametrize(
    ("reason", "theirs", "ours"),
    [(None, [1, 2, 3], []), ("timeout", [2, 3], [1])],
    ids=["all", "some"],
)
def test_a_retry_leaves_what_another_took_since_it_looked(
    on_redis: RedisLedger,
    monkeypatch: pytest.MonkeyPatch,
    reason: str | None,
    theirs: list[int],
    ours: list[int],
) -> None:
    job = finished_with_failures(on_redis)
    run = on_redis._scripts.run
    first: list[int] = []

    def overtaken(name: str, keys: list[str], *args: Any) -> object:
        if name == "retry":
            monkeypatch.setattr(on_redis._scripts, "run", run)
            first.extend(on_redis.retry(job, reason=reason))
        return run(name, keys, *args)

    monkeypatch.setattr(on_redis._scripts, "run", overtaken)
    second = on_redis.retry(job)
    assert [ordinals(leased(on_redis, job, number)) for number in first] == [theirs]
    assert [n for number in second for n in ordinals(leased(on_redis, job, number))] == ours
    assert counts(on_redis, job) == (1, 0, 0, 3)


def test_a_retry_whose_answer_was_lost_on_the_way_is_one_retry(
    on_redis: RedisLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished_with_failures(on_redis)
    run = on_redis._scripts.run

    def twice(name: str, keys: list[str], *args: Any) -> object:
        run(name, keys, *args)
        return run(name, keys, *args)

    monkeypatch.setattr(on_redis._scripts, "run", twice)
    [number] = on_redis.retry(job)
    monkeypatch.undo()
    assert ordinals(leased(on_redis, job, number)) == [1, 2, 3]
    assert counts(on_redis, job) == (1, 0, 0, 3)
