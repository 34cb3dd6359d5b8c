"""What a resume relies on, on both ledgers: marks, writes that check the last chunk, and rejected rows counted once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from vitrine.core.errors import LedgerUnavailable, NotFound
from vitrine.core.types import ImageRef, JobSpec, JobState, RejectedRow, new_job_id
from vitrine.ledger import Ledger, NewChunk
from vitrine.ledger.base import CHECKSUM_BYTES
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.ledger.scripts import job_key
from vitrine.testing.memory_ledger import MemoryLedger


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    real = RedisLedger.connect(request.getfixturevalue("redis_server"))
    yield real
    real.close()


@pytest.fixture
def job(ledger: Ledger) -> Iterator[str]:
    spec = JobSpec(new_job_id(), "shop", "builtin", "shop.csv", time.time(), reading="{}")
    ledger.create(spec)
    yield spec.id
    if not ledger.status(spec.id).state.finished:
        ledger.cancel(spec.id)


def mark(number: int) -> bytes:
    return number.to_bytes(CHECKSUM_BYTES, "big")


def chunk(number: int) -> NewChunk:
    return NewChunk([ImageRef(number, f"i{number}", 0, f"http://h/{number}")], 1, mark(number))


def problem(line: int) -> RejectedRow:
    return RejectedRow("shop.csv", line, None, "empty")


def test_the_marks_of_an_open_job_are_told_in_order(ledger: Ledger, job: str) -> None:
    assert list(ledger.marks(job)) == []
    count = 20_000  # read in several blocks
    for at in range(0, count, 1000):
        ledger.add_chunks(job, [chunk(n) for n in range(at, at + 1000)])
    assert list(ledger.marks(job)) == [mark(n) for n in range(count)]


def test_a_write_that_believes_in_another_last_chunk_is_refused(ledger: Ledger, job: str) -> None:
    assert ledger.add_chunks(job, [chunk(0), chunk(1)], after=b"") == [0, 1]
    before = ledger.status(job)
    for believed in (b"", mark(0), mark(2)):
        with pytest.raises(LedgerUnavailable, match=f"last write to job {job} is missing"):
            ledger.add_chunks(job, [chunk(2)], after=believed)
        with pytest.raises(LedgerUnavailable):
            ledger.seal(job, after=believed)
    assert ledger.status(job) == before
    assert ledger.add_chunks(job, [chunk(2)], after=mark(1)) == [2]
    assert ledger.seal(job, after=mark(2)) is JobState.RUNNING


def test_sealing_again_changes_nothing_and_the_marks_are_forgotten(
    ledger: Ledger, job: str
) -> None:
    ledger.add_chunks(job, [chunk(0)], after=b"")
    for _ in range(2):
        assert ledger.seal(job, after=mark(0)) is JobState.RUNNING
    assert list(ledger.marks(job)) == []


def test_a_cancelled_job_keeps_no_marks(ledger: Ledger, job: str) -> None:
    ledger.add_chunks(job, [chunk(0)], after=b"")
    ledger.cancel(job)
    assert list(ledger.marks(job)) == []


def test_rejected_rows_that_are_told_twice_count_once(ledger: Ledger, job: str) -> None:
    for _ in range(2):
        ledger.add_rejected_rows(
            job, [problem(2), problem(3)], by_code={"no_image": 1, "bad_url": 1}, before=0
        )
    for _ in range(2):
        ledger.add_rejected_rows(job, [problem(9)], by_code={"no_image": 1}, before=2)
    assert ledger.status(job).rejected_rows == 3
    assert ledger.status(job).rejected_by_code == {"bad_url": 1, "no_image": 2}
    assert [row.line for row in ledger.problems(job)] == [2, 3, 9]
    with pytest.raises(LedgerUnavailable):
        ledger.add_rejected_rows(job, [problem(9)], by_code={"no_image": 1}, before=7)
    assert ledger.status(job).rejected_by_code == {"bad_url": 1, "no_image": 2}


def test_rejected_rows_of_a_job_that_is_gone_leave_nothing_behind(redis_server: str) -> None:
    ledger = RedisLedger.connect(redis_server)
    with pytest.raises(NotFound):
        ledger.add_rejected_rows("nosuchjob", [problem(2)], by_code={"no_image": 1}, before=0)
    assert not ledger._redis.exists(job_key("nosuchjob", "job"), job_key("nosuchjob", "problems"))
    ledger.close()


def test_a_job_whose_rejected_rows_have_no_codes_is_read_and_resumed(redis_server: str) -> None:
    ledger = RedisLedger.connect(redis_server)
    spec = JobSpec(new_job_id(), "shop", "builtin", "shop.csv", time.time(), reading="{}")
    ledger.create(spec)
    # As versions that did not count by code wrote it.
    ledger._redis.hincrby(job_key(spec.id, "job"), "rejected", 2)
    row = b'["shop.csv",7,null,"the gzip data ends too early","unreadable"]'
    ledger._redis.rpush(job_key(spec.id, "problems"), row)
    status = ledger.status(spec.id)
    assert (status.rejected_rows, status.rejected_by_code, status.broken_off) == (2, {}, None)
    assert [row.code for row in ledger.problems(spec.id)] == ["unreadable"]
    ledger.add_rejected_rows(spec.id, [problem(9)], by_code={"no_image": 1}, before=2)
    status = ledger.status(spec.id)
    assert (status.rejected_rows, status.rejected_by_code) == (3, {"no_image": 1})
    ledger.cancel(spec.id)
    ledger.close()
