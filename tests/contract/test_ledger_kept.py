"""Outcomes recorded while the chunk stays leased, on both ledgers."""

from __future__ import annotations

import pytest

from tests.contract.test_ledger import counts, failed, leased, ledger, new_job, ordinals, until
from vitrine.core.types import JobState
from vitrine.ledger import LeaseRefusal, Ledger

__all__ = ["ledger"]  # the fixture, for both

SHORT = 0.02


def died(ledger: Ledger, job: str, times: int) -> None:
    for _ in range(times):
        leased(ledger, job, seconds=SHORT)
        until(lambda: ledger.sweep(job, lost_before=0) == [0])


def test_what_is_written_on_the_way_is_counted_and_the_rest_stays_leased(ledger: Ledger) -> None:
    job = new_job(ledger, 6)
    lease = leased(ledger, job)
    report = ledger.finish(
        lease, embedded=[0, 1], failures=[failed(lease.chunk.images[2])], keep=True
    )
    assert (report.accepted, report.newly_embedded, report.newly_failed) == (True, 2, 1)
    assert counts(ledger, job) == (2, 1, 0, 3)
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.LEASED
    assert ledger.renew(lease, seconds=60)
    lease = lease.without({0, 1, 2})
    assert ordinals(lease) == [3, 4, 5]
    ledger.finish(lease, embedded=[3], failures=[])
    assert ordinals(leased(ledger, job)) == [4, 5]


def test_who_comes_after_a_death_gets_what_was_left(ledger: Ledger) -> None:
    job = new_job(ledger, 4)
    dead = leased(ledger, job, seconds=SHORT)
    ledger.finish(dead, embedded=[0, 1], failures=[], keep=True)
    until(lambda: ledger.sweep(job, lost_before=0) == [0])
    lease = leased(ledger, job)
    assert (ordinals(lease), lease.attempt) == ([2, 3], 2)
    ledger.finish(lease, embedded=[2, 3], failures=[])
    assert ledger.status(job).state is JobState.COMPLETED


@pytest.mark.parametrize(("deaths", "attempts"), [(0, 1), (1, 2), (5, 2)])
def test_deaths_over_a_chunk_that_moves_are_forgotten_but_one(
    ledger: Ledger, deaths: int, attempts: int
) -> None:
    job = new_job(ledger, 2)
    died(ledger, job, deaths)
    lease = leased(ledger, job)
    assert lease.attempt == deaths + 1
    ledger.finish(lease, embedded=[0], failures=[], keep=True)
    assert ledger.attempts(job, [0]) == [attempts]


def test_a_lease_that_passed_on_keeps_nothing(ledger: Ledger) -> None:
    job = new_job(ledger, 3)
    dead = leased(ledger, job, seconds=SHORT)
    until(lambda: ledger.sweep(job, lost_before=0) == [0])
    now = leased(ledger, job)
    late = ledger.finish(dead, embedded=[0], failures=[], keep=True)
    assert (late.accepted, late.newly_embedded) == (False, 1)
    ledger.finish(now, embedded=[0, 1, 2], failures=[])
    assert counts(ledger, job) == (3, 0, 0, 0)


def test_nothing_is_kept_of_a_job_that_is_being_cancelled(ledger: Ledger) -> None:
    job = new_job(ledger, 3)
    lease = leased(ledger, job)
    ledger.cancel(job)
    ledger.finish(lease, embedded=[0], failures=[], keep=True)
    assert counts(ledger, job) == (1, 0, 2, 0)
    assert ledger.status(job).state is JobState.CANCELLED


def test_the_last_picture_frees_the_chunk_whatever_was_asked(ledger: Ledger) -> None:
    job = new_job(ledger, 1)
    lease = leased(ledger, job)
    ledger.finish(lease, embedded=[0], failures=[], keep=True)
    assert ledger.status(job).state is JobState.COMPLETED
    assert ledger.lease(job, 0, seconds=60) is LeaseRefusal.DONE
