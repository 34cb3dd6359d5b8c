"""Submission of a catalog to the ledger and the queue, with the in-memory ledger."""

from __future__ import annotations

import errno
import io
import itertools
import os
import threading
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer import CatalogReport, Submission, from_stream, inspect, refuse_flawed, retry_failures
from producer.duplicate_ids import SeenIds
from producer.source import SPOOL_BYTES
from producer.submit.backpressure import SLACK, wait_for_room
from producer.submit.chunking import chunk_batches, plan_chunks
from vitrine.core.errors import (
    BadInput,
    CatalogTooLarge,
    LedgerUnavailable,
    NotFound,
    QueueFull,
    VitrineError,
)
from vitrine.core.types import (
    CHUNK_SIZE,
    CatalogItem,
    Failure,
    FailureReason,
    ImageRef,
    JobSpec,
    JobState,
    RejectedRow,
)
from vitrine.ledger.base import Lease, NewChunk
from vitrine.testing.memory_ledger import MemoryLedger

SPEC = JobSpec("job", "shop", "builtin", "shop.csv", 1.0)


class Queue:
    """Records messages in the order of publication."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, str]] = []

    def publish(self, job: str, numbers: Sequence[int], model: str) -> None:
        self.sent += [(job, number, model) for number in numbers]


def items(count: int, pictures: int = 1) -> list[CatalogItem]:
    return [
        CatalogItem(f"i{n}", tuple(f"http://h/{n}/{k}" for k in range(pictures)), {"n": n})
        for n in range(count)
    ]


def problem(line: int, code: str = "no_image") -> RejectedRow:
    return RejectedRow("shop.csv", line, "image", "expected a picture", code)


def submit(
    ledger: MemoryLedger,
    queue: Queue,
    outcomes: Iterable[CatalogItem | RejectedRow],
    *,
    max_pending: int = 10**6,
) -> CatalogReport:
    return Submission(SPEC, ledger, queue.publish, max_pending=max_pending).run(outcomes)


def leased(ledger: MemoryLedger, number: int) -> Lease:
    lease = ledger.lease(SPEC.id, number, seconds=30)
    assert isinstance(lease, Lease)
    return lease


@given(st.lists(st.integers(1, 64), max_size=60))
def test_a_plan_loses_nothing_and_numbers_without_gaps(counts: list[int]) -> None:
    wanted = [CatalogItem(f"i{n}", ("u",) * count) for n, count in enumerate(counts)]
    chunks = list(plan_chunks(wanted))
    refs = [ref for chunk in chunks for ref in chunk.images]
    assert [ref.ordinal for ref in refs] == list(range(sum(counts)))
    assert [(ref.item_id, ref.index) for ref in refs] == [
        (item.id, index) for item in wanted for index in range(len(item.images))
    ]
    assert all(len(chunk.images) == CHUNK_SIZE for chunk in chunks[:-1])
    assert sum(chunk.items for chunk in chunks) == len(counts)


def test_chunks_are_written_some_at_a_time_and_those_of_a_slow_source_at_once() -> None:
    chunks = list(plan_chunks(items(64 * 40)))
    assert [len(batch) for batch in chunk_batches(chunks, clock=lambda: 0.0)] == [16, 16, 8]
    seconds = itertools.count()
    assert [len(batch) for batch in chunk_batches(chunks, clock=lambda: next(seconds))] == [1] * 40
    assert [chunk for batch in chunk_batches(iter(chunks)) for chunk in batch] == chunks


def test_every_chunk_is_in_the_ledger_before_its_message_is_sent() -> None:
    ledger = MemoryLedger()
    found: list[int] = []

    def publish(job: str, numbers: Sequence[int], model: str) -> None:
        assert (job, model) == (SPEC.id, SPEC.model)
        found.extend(len(leased(ledger, number).chunk.images) for number in numbers)

    Submission(SPEC, ledger, publish, max_pending=10**6).run(items(50, pictures=3))
    assert found == [64, 64, 22]


def test_the_ledger_ends_with_the_counts_of_the_report() -> None:
    ledger, queue = MemoryLedger(), Queue()
    report = submit(ledger, queue, [problem(2), *items(100, pictures=2), problem(9, "bad_url")])
    status = ledger.status(SPEC.id)
    assert (report.rows, report.items, report.images, report.chunks) == (102, 100, 200, 4)
    assert (status.items, status.images, status.rejected_rows) == (100, 200, 2)
    assert status.state is JobState.RUNNING
    assert queue.sent == [(SPEC.id, number, SPEC.model) for number in range(4)]
    assert ledger.problems(SPEC.id) == report.problems == [problem(2), problem(9, "bad_url")]


def test_a_thousand_problems_are_kept_and_all_are_counted() -> None:
    ledger = MemoryLedger()
    many = [problem(line) for line in range(2500)]
    report = submit(ledger, Queue(), [*many[:1200], *items(1), *many[1200:]])
    assert ledger.status(SPEC.id).rejected_rows == report.rejected_rows == 2500
    assert ledger.problems(SPEC.id) == report.problems == many[:1000]


@pytest.mark.parametrize("earlier", [0, 255, 256, 999, 1000, 2500])
def test_where_a_file_broke_off_is_reported_after_any_number_of_problems(earlier: int) -> None:
    ledger = MemoryLedger()
    many = [problem(line) for line in range(earlier)]
    end = problem(earlier, "unreadable")
    report = submit(ledger, Queue(), [*many[:200], *items(1), *many[200:], end])
    status = ledger.status(SPEC.id)
    assert report.broken_off == status.broken_off == end
    assert report.problems_by_code == status.rejected_by_code
    assert report.problems_by_code["unreadable"] == 1
    assert ledger.problems(SPEC.id) == report.problems == [*many[:1000], end]
    assert report.first_problems(20) == [*many[:20], end]
    with pytest.raises(
        BadInput, match=r"(The file broke off at line|the first: shop\.csv:0 \[image\])"
    ):
        refuse_flawed(report)


def test_a_file_of_which_nothing_can_be_used_also_names_where_it_broke_off() -> None:
    rows = [problem(2), problem(3, "unreadable")]
    with pytest.raises(BadInput, match="The file broke off at line 3: expected a picture"):
        submit(MemoryLedger(), Queue(), rows)


def test_a_catalog_without_one_good_row_leaves_no_job() -> None:
    ledger = MemoryLedger()
    with pytest.raises(BadInput, match=r"Not one row of 2 .* shop\.csv:2 \[image\]"):
        submit(ledger, Queue(), [problem(2), problem(3)])
    assert ledger.jobs() == []


def test_a_full_queue_refuses_before_anything_is_written() -> None:
    ledger = MemoryLedger()
    submit(ledger, Queue(), items(10))
    again = Submission(JobSpec("other", "shop", "builtin"), ledger, Queue().publish, max_pending=10)
    with pytest.raises(QueueFull) as caught:
        again.run(items(1))
    assert caught.value.retry_after > 0
    assert [status.spec.id for status in ledger.jobs()] == [SPEC.id]


@pytest.mark.parametrize(("others", "told"), [(0, CatalogTooLarge), (3000, QueueFull)])
def test_a_submit_that_may_not_wait_ends_where_the_queue_is_full(
    others: int, told: type[VitrineError]
) -> None:
    ledger, queue = MemoryLedger(), Queue()
    if others:
        ledger.create(JobSpec("other", "shop", "builtin"))
        images = [ref for chunk in plan_chunks(items(others)) for ref in chunk.images]
        ledger.add_chunks("other", [NewChunk(tuple(images), others)])
    with pytest.raises(told) as caught:
        submit(ledger, queue, items(100_000), max_pending=4000)
    status = ledger.status(SPEC.id)
    uncounted = 16 * CHUNK_SIZE  # the write that crosses the limit
    assert others + status.images <= 4000 + SLACK + uncounted
    assert status.images == len(queue.sent) * CHUNK_SIZE > 0
    assert (status.state, status.cancelled) == (JobState.CANCELLED, status.images)
    message = str(caught.value)
    assert f"{status.images:,} pictures of this catalog had gone in" in message
    assert f"job {SPEC.id} was cancelled" in message
    assert "`vitrine submit`" in message
    assert caught.value.retryable is bool(others)  # a catalog larger than the queue never fits


def test_a_waiting_submit_goes_on_once_there_is_room() -> None:
    counts = iter([30, 20, 9])

    class Filling:
        def pending_images(self) -> int:
            return next(counts)

    told: list[int] = []
    wait_for_room(Filling(), 10, told.append, sleep=lambda _: None)
    assert told == [30, 20]


def test_a_submit_that_may_wait_does_not_overfill_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger, queue = MemoryLedger(), Queue()
    seen: list[int] = []

    def drain(_seconds: float) -> None:
        seen.append(ledger.pending_images())
        for _, number, _ in queue.sent:
            lease = ledger.lease(SPEC.id, number, seconds=30)
            if isinstance(lease, Lease):
                done = [image.ordinal for image in lease.chunk.images]
                ledger.finish(lease, embedded=done, failures=[])

    # Whole batches, however slowly this machine plans them.
    monkeypatch.setattr("producer.submit.chunking.BATCH_SECONDS", float("inf"))
    monkeypatch.setattr("time.sleep", drain)
    monkeypatch.setattr("producer.submit.backpressure.wait_for_room", _with_sleep(drain))
    waiting: list[int] = []
    Submission(SPEC, ledger, queue.publish, max_pending=1000, on_wait=waiting.append).run(
        items(4096)
    )
    assert waiting == [1024, 1024, 1024]
    assert max(seen) == 1024
    assert len(queue.sent) == 64


def _with_sleep(sleep: object) -> object:
    def patched(ledger: object, limit: int, on_wait: object) -> int:
        return wait_for_room(ledger, limit, on_wait, sleep=sleep)  # type: ignore[arg-type]

    return patched


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LedgerUnavailable("gone")])
def test_what_ends_a_submit_half_way_cancels_the_job(error: BaseException) -> None:
    ledger = MemoryLedger()

    def broken() -> Iterator[CatalogItem]:
        yield from items(200)
        raise error

    with pytest.raises(BaseException) as caught:  # noqa: PT011 - either of the two given
        submit(ledger, Queue(), broken())
    assert caught.value is error
    assert ledger.status(SPEC.id).state is JobState.CANCELLED


def test_an_inspection_counts_and_strict_refuses_with_the_first_problem() -> None:
    report = inspect([*items(3), problem(7), problem(8, "bad_url")])
    assert (report.items, report.rejected_rows) == (3, 2)
    assert report.problems_by_code == {"no_image": 1, "bad_url": 1}
    with pytest.raises(BadInput, match=r"2 of 5 rows .* shop\.csv:7"):
        refuse_flawed(report)
    refuse_flawed(inspect(items(3)))


def test_a_retry_sends_the_matching_failures_again() -> None:
    ledger, queue = MemoryLedger(), Queue()
    submit(ledger, queue, items(3))
    lease = leased(ledger, 0)
    reasons = [FailureReason.TIMEOUT, FailureReason.NOT_FOUND, FailureReason.TIMEOUT]
    ledger.finish(lease, embedded=[], failures=[
        Failure(image, reason, "") for image, reason in zip(lease.chunk.images, reasons, strict=True)
    ])  # fmt: skip
    again = Queue()
    assert retry_failures(ledger, again.publish, SPEC.id, reason="timeout") == 2
    assert [number for _, number, _ in again.sent] == [1]
    images: tuple[ImageRef, ...] = leased(ledger, 1).chunk.images
    assert [image.item_id for image in images] == ["i0", "i2"]
    with pytest.raises(NotFound):
        retry_failures(ledger, again.publish, "absent")


@pytest.mark.parametrize("filter_bits", [8, 2**10, 2**20])
@pytest.mark.parametrize("kept_bytes", [24, 24 * 700, 2**20])
def test_ids_are_remembered_exactly_whatever_is_written_or_looked_up_in_vain(
    kept_bytes: int, filter_bits: int
) -> None:
    count = 200 if kept_bytes == 24 else 3000
    with SeenIds(kept_bytes=kept_bytes, filter_bits=filter_bits) as seen:
        assert all(seen.first_line(f"id-{n}", n) is None for n in range(count))
        assert [seen.first_line(f"id-{n}", 0) for n in range(count)] == list(range(count))
        assert seen.first_line("other", 5) is None
        assert seen.first_line("other", 6) == 5


def test_a_temporary_folder_without_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with SeenIds(kept_bytes=24) as seen:
        seen.first_line("one", 1)
        with pytest.raises(VitrineError, match="No space left"):
            seen.first_line("two", 2)


def test_a_pipe_can_be_read_twice_where_it_was_asked_for() -> None:
    data = os.urandom(3 * SPOOL_BYTES // 2)
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as out:
            out.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as pipe:
        source = from_stream(pipe, "stdin", rereadable=True)
        writer.join()
        for _ in range(2):
            opened = source.open()
            assert opened.stream.read() == data
            opened.close()
        source.close()


def test_a_stream_that_can_seek_starts_where_it_stood() -> None:
    stream = io.BytesIO(b"skipped,rest")
    stream.seek(8)
    source = from_stream(stream, "stdin")
    for _ in range(2):
        opened = source.open()
        assert opened.stream.read() == b"rest"
        opened.close()
    assert not stream.closed
