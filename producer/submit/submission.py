"""Submitting a catalog as a job: first to the ledger, then one small message per chunk, a few chunks at a time.

The order makes a crash harmless: the sweeper finds a chunk in the ledger whose message was never sent, and a message
without a chunk cannot exist. The job is created with the first good row, so a file that is not a catalog leaves no job
behind, and it is sealed after the last row. If the submit ends in between (Ctrl-C, Redis gone, `kill -9`), a job whose
spec records how to read its catalog stays open, and `producer.submit.resume` can continue it. Any other job is
cancelled, because half a catalog is not what the caller wanted; submitting it again is safe, because items already
stored are overwritten, not duplicated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from producer.limits import KEPT_PROBLEMS
from producer.report import CatalogReport
from producer.submit.backpressure import PendingQuota, Waiting
from producer.submit.chunking import chunk_batches, plan_chunks, with_checksums
from producer.submit.resume import ResumedJob
from vitrine.core.broken_off import broken_off_notice, is_break
from vitrine.core.errors import BadInput, CatalogTooLarge, QueueFull, VitrineError
from vitrine.core.hints import Hint
from vitrine.core.types import CatalogItem, JobSpec, RejectedRow
from vitrine.ledger.base import Ledger, NewChunk

Publish: TypeAlias = Callable[[str, Sequence[int], str], None]
"""Sends chunks' messages: job id, chunk numbers, model. `vitrine.messaging.broker.Publisher.publish` is one."""

Progress: TypeAlias = Callable[[CatalogReport], None]
Outcomes: TypeAlias = Iterable[CatalogItem | RejectedRow]

PROBLEMS_A_WRITE = 256
PROGRESS_EVERY_ROWS = 1024
PROGRESS_EVERY_CHUNKS = 16
"""Applies while a resume skips chunks that the ledger has; for chunks that are sent, each write reports progress."""


def inspect(outcomes: Outcomes, *, on_progress: Progress | None = None) -> CatalogReport:
    """Read a whole catalog and only report on it: the dry run, and the first pass of `strict`."""
    report = CatalogReport()
    for outcome in outcomes:
        _count(report, outcome)
        if on_progress is not None and report.rows % PROGRESS_EVERY_ROWS == 0:
            on_progress(report)
    return report


def refuse_flawed(report: CatalogReport) -> None:
    """Raise `BadInput` with the first problem if any row was rejected: the rule of `strict`."""
    if report.rejected_rows:
        raise BadInput(
            f"Nothing was submitted, the file is refused: {report.rejected_rows} of {report.rows} rows "
            f"would be rejected, the first: {report.problems[0]}.{_end(report)}",
            hint=Hint("Fix these rows, or {not_strict}."),
        )


def refuse_empty(report: CatalogReport) -> None:
    """Raise `BadInput` if there were rows but none is good."""
    if report.items == 0 and report.problems:
        raise BadInput(
            f"Not one row of {report.rows} can be used; the first: {report.problems[0]}.{_end(report)}",
            hint="Fix these rows and submit again.",
        )


def _end(report: CatalogReport) -> str:
    """Return a sentence about a file that broke off, unless its end is the first problem; with a blank before it."""
    row = report.broken_off
    return "" if row is None or row is report.problems[0] else f" {broken_off_notice(row)}"


class Submission:
    """The submit of one job to the ledger and the queue; call `run` once."""

    def __init__(
        self,
        spec: JobSpec,
        ledger: Ledger,
        publish: Publish,
        *,
        max_pending: int,
        on_wait: Waiting | None = None,
        on_progress: Progress | None = None,
        begun: ResumedJob | None = None,
    ) -> None:
        """Prepare the submit. Without `on_wait` a full queue refuses it: before the first write, or later by cancelling the job.

        With `begun` the submit continues where that job ended; `report` still counts the whole catalog.
        """
        self.report = CatalogReport()
        self._spec = spec
        self._ledger = ledger
        self._publish = publish
        self._max_pending = max_pending
        self._waits = on_wait is not None
        self._room = PendingQuota(ledger, max_pending, on_wait)
        self._sent = 0  # pictures
        self._on_progress = on_progress
        self._unwritten: list[RejectedRow] = []
        self._unwritten_codes: Counter[str] = Counter()
        self._written_count = 0 if begun is None else begun.rejected
        self._begun = begun
        self._last = b""  # the mark of the last chunk in the ledger
        self._created = begun is not None

    @property
    def left_open(self) -> bool:
        """Whether a submit that ended half-way has left a job that can be resumed."""
        return self._created and self._begun is None and bool(self._spec.reading)

    def run(self, outcomes: Outcomes) -> CatalogReport:
        """Submit the whole catalog, or the part that is missing from a resumed job.

        Raises `BadInput`, `LedgerUnavailable`, `Conflict` once the job is cancelled; without waiting also `QueueFull` if the
        queue is full and `CatalogTooLarge` if this catalog alone fills it.
        """
        if not self._waits:
            self._room.look()
        try:
            for batch in chunk_batches(
                self._missing(with_checksums(plan_chunks(self._items(outcomes))))
            ):
                self._send(batch)
            refuse_empty(self.report)
            self._catch_up()
            self._write_problems()
            self._ledger.seal(self._spec.id, after=self._last)
        except BaseException:
            self._abandon()
            raise
        return self.report

    def _items(self, outcomes: Outcomes) -> Iterator[CatalogItem]:
        for outcome in outcomes:
            _count(self.report, outcome)
            if isinstance(outcome, RejectedRow):
                self._reject(outcome)
                continue
            if not self._created:
                self._ledger.create(self._spec)
                self._created = True
            yield outcome

    def _missing(self, chunks: Iterable[NewChunk]) -> Iterator[NewChunk]:
        for chunk in chunks:
            if self._begun is None:
                yield chunk
            elif self._begun.holds(chunk, self.report.rows):
                self.report.chunks += 1
                if self.report.chunks % PROGRESS_EVERY_CHUNKS == 0:
                    self._tell()
            else:
                self._catch_up()
                yield chunk

    def _catch_up(self) -> None:
        """End the comparison with the ledger: from here on the catalog is sent like that of a new job."""
        if self._begun is not None:
            self._begun.check_end()
            self._last, self._begun = self._begun.last, None

    def _reject(self, problem: RejectedRow) -> None:
        if self.report.rejected_rows <= self._written_count:
            return  # It was counted before the resume.
        self._unwritten_codes[problem.code] += 1
        if len(self._unwritten) < KEPT_PROBLEMS or is_break(problem):
            self._unwritten.append(problem)
        ready = self._created and self._begun is None  # else it may be another file
        if ready and self._unwritten_codes.total() >= PROBLEMS_A_WRITE:
            self._write_problems()
            self._tell()

    def _send(self, batch: Sequence[NewChunk]) -> None:
        pictures = sum(len(chunk.images) for chunk in batch)
        try:
            self._room.take(pictures)
        except QueueFull as full:
            raise self._cut_short(full) from full
        job, model = self._spec.id, self._spec.model
        numbers = self._ledger.add_chunks(job, batch, after=self._last)
        self._last = batch[-1].mark
        self._publish(job, numbers, model)
        self._sent += pictures
        self.report.chunks += len(numbers)
        self._tell()

    def _cut_short(self, full: QueueFull) -> QueueFull | CatalogTooLarge:
        """Return the error for a queue that filled up half-way; the job is cancelled as it is raised."""
        told = (
            f"{full.message} {self._sent:,} pictures of this catalog had gone in, "
            f"so its job {self._spec.id} was cancelled."
        )
        if self._sent < self._max_pending:
            hint = Hint("Send it again later, or {submit_and_wait}.")
            return QueueFull(told, retry_after=full.retry_after, hint=hint)
        return CatalogTooLarge(
            told,
            hint=Hint(
                "Split it into catalogs of fewer than {most} pictures, or {submit_and_wait}.",
                {"most": f"{self._max_pending:,}"},
            ),
        )

    def _write_problems(self) -> None:
        if self._unwritten_codes:
            codes, before = self._unwritten_codes, self._written_count
            self._ledger.add_rejected_rows(
                self._spec.id, self._unwritten, by_code=codes, before=before
            )
            self._written_count += codes.total()
            self._unwritten, self._unwritten_codes = [], Counter()

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.report)

    def _abandon(self) -> None:
        if self._created and not self._spec.reading:
            # The first error is the one to report; an unreachable ledger cannot cancel the job.
            with suppress(VitrineError):
                self._ledger.cancel(self._spec.id)


def _count(report: CatalogReport, outcome: CatalogItem | RejectedRow) -> None:
    if isinstance(outcome, CatalogItem):
        report.count_item(outcome)
    else:
        report.count_problem(outcome)
