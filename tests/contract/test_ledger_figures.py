"""Figures that people read next to the counts: where a job's chunks are, and how many outcomes each minute had."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.approx import near
from tests.contract.test_ledger import failed, leased, new_job, ordinals
from vitrine.core.redis_client import connect_redis
from vitrine.core.types import JobState, StageTotal
from vitrine.ledger import ChunksLeft, Deferral, FinishReport, Ledger, outcome_rate
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.testing.memory_ledger import MemoryLedger


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    real = RedisLedger.connect(request.getfixturevalue("private_redis"))
    yield real
    real.close()


def recorded(ledger: Ledger) -> tuple[int, int]:
    """Sum the last three minutes, since a new minute may begin during a test."""
    minutes = ledger.outcomes(3)
    return sum(each.embedded for each in minutes), sum(each.failed for each in minutes)


def test_chunks_are_told_by_where_they_are(ledger: Ledger) -> None:
    job = new_job(ledger, 1, 1, 1, 1)
    assert ledger.chunks_left(job) == ChunksLeft(queued=4, leased=0, due=0)
    done, put_off, _ = (leased(ledger, job, number) for number in (0, 1, 2))
    assert ledger.chunks_left(job) == ChunksLeft(queued=1, leased=3, due=0)
    ledger.finish(done, embedded=ordinals(done), failures=[])
    later = Deferral(put_off.chunk.images[0], due=ledger.clock() + 60)
    ledger.finish(put_off, embedded=[], failures=[], deferrals=[later])
    assert ledger.chunks_left(job) == ChunksLeft(queued=1, leased=1, due=1)


def test_an_unknown_job_has_chunks_nowhere(ledger: Ledger) -> None:
    assert ledger.chunks_left("nosuch") == ChunksLeft(0, 0, 0)


def test_outcomes_are_counted_once_in_the_minute_they_were_recorded_in(ledger: Ledger) -> None:
    before = recorded(ledger)
    job = new_job(ledger, 3, 2)
    first, second = leased(ledger, job, 0), leased(ledger, job, 1)
    for _ in range(2):
        ledger.finish(first, embedded=ordinals(first), failures=[])
    ledger.finish(second, embedded=[3], failures=[failed(second.chunk.images[1])])
    now = recorded(ledger)
    assert (now[0] - before[0], now[1] - before[1]) == (4, 1)


def test_the_stages_of_finished_chunks_add_up(ledger: Ledger) -> None:
    job = new_job(ledger, 3, 2)
    assert ledger.status(job).stages == {}
    first, second = leased(ledger, job, 0), leased(ledger, job, 1)
    stages = {"fetch": StageTotal(3, 1.25), "upsert": StageTotal(3, 0.5)}
    ledger.finish(first, embedded=ordinals(first), failures=[], stages=stages)
    assert ledger.status(job).stages == stages
    more = {"fetch": StageTotal(2, 0.75), "decode": StageTotal(2, 0.000_002)}
    ledger.finish(second, embedded=ordinals(second), failures=[], stages=more)
    found = ledger.status(job).stages
    assert found == {
        "fetch": StageTotal(5, near(2.0)),
        "decode": StageTotal(2, near(0.000_002)),
        "upsert": StageTotal(3, near(0.5)),
    }


def test_the_stages_of_a_chunk_that_somebody_else_has_are_not_counted_twice(
    ledger: Ledger,
) -> None:
    job = new_job(ledger, 3)
    lease = leased(ledger, job, 0)
    stages = {"fetch": StageTotal(3, 1.0)}
    for _ in range(2):
        ledger.finish(lease, embedded=ordinals(lease), failures=[], stages=stages)
    assert ledger.status(job).stages == stages


def test_minutes_follow_each_other_and_end_with_the_present_one(ledger: Ledger) -> None:
    before = ledger.clock()
    minutes = ledger.outcomes(60)
    assert len(minutes) == 60
    gaps = {later.at - earlier.at for earlier, later in itertools.pairwise(minutes)}
    assert gaps == {60.0}
    assert before - 60 < minutes[-1].at <= ledger.clock()


def test_no_more_minutes_are_read_than_are_kept(ledger: Ledger) -> None:
    assert len(ledger.outcomes(10**9)) == outcome_rate.KEPT_MINUTES


def test_a_redis_that_is_gone_after_the_outcomes_were_recorded_is_no_failure_to_record_them() -> (
    None
):
    gone = connect_redis("redis://127.0.0.1:1/0")
    outcome_rate.record_outcomes(gone, FinishReport(True, 5, 0, JobState.RUNNING), at=time.time())
    gone.close()


def test_the_counts_of_a_minute_expire(private_redis: str) -> None:
    redis = Redis.from_url(private_redis)
    outcome_rate.record_outcomes(redis, FinishReport(True, 5, 0, JobState.RUNNING), at=60.0 * 7)
    assert 0 < int(redis.ttl("vitrine:outcomes:7")) <= (outcome_rate.KEPT_MINUTES + 1) * 60
    redis.delete("vitrine:outcomes:7")
    redis.close()
