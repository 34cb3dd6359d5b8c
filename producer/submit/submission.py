"""A catalog to a job: the ledger first, then one small message a chunk, some chunks at a time.

The order makes a crash harmless: a chunk that is in the ledger and whose message was never sent is found by
the sweeper; a message without a chunk cannot be. The job is made when the first good row is drawn, so a file
that is no catalog leaves none behind, and sealed after the last. A job whose spec says how its catalog is read is
left open by whatever ends the submit in between (Ctrl-C, Redis gone, `kill -9`), to be taken up by `producer.submit.resume`.
Any other is cancelled then: half a catalog is not what was asked for, and submitting it again is safe, because the
same item meets the same point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from producer.limits import KEPT_PROBLEMS
from producer.report import CatalogReport
from producer.submit.backpressure import PendingQuota, Waiting
from producer.submit.chunking import chunk_batches, plan_chunks, with_checksums
from producer.submit.resume import ResumedJob
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
"""While chunks are passed over that are in already; those that are sent are told with each write."""


def inspect(outcomes: Outcomes, *, on_progress: Progress | None = None) -> CatalogReport:
    """Draw a whole catalog and only report: the dry run, and the first pass of `strict`."""
    report = CatalogReport()
    for outcome in outcomes:
        _count(report, outcome)
        if on_progress is not None and report.rows % PROGRESS_EVERY_ROWS == 0:
            on_progress(report)
    return report


def refuse_flawed(report: CatalogReport) -> None:
    """Raise `BadInput` where any row was rejected, with the first problem: what `strict` means."""
    if report.rejected_rows:
        raise BadInput(
            f"Nothing was submitted, the file is refused: {report.rejected_rows} of {report.rows} rows "
            f"would be rejected, the first: {report.problems[0]}.",
            hint=Hint("Fix these rows, or {not_strict}."),
        )


def refuse_empty(report: CatalogReport) -> None:
    """Raise `BadInput` where there were rows and not one is good."""
    if report.items == 0 and report.problems:
        raise BadInput(
            f"Not one row of {report.rows} can be used; the first: {report.problems[0]}.",
            hint="Fix these rows and submit again.",
        )


class Submission:
    """One job's way into the ledger and the queue; `run` once."""

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
        """Without `on_wait` a full queue refuses: before anything is written, or with what went in until then cancelled.

        With `begun` the catalog is taken up where its job stands; `report` still counts all of it.
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
        self._unwritten_count = 0
        self._written_count = 0 if begun is None else begun.rejected
        self._begun = begun
        self._last = b""  # the mark of the last chunk that is in
        self._created = begun is not None

    @property
    def left_open(self) -> bool:
        """Whether a submit that ended half-way wrote to a job that can be taken up."""
        return self._created and self._begun is None and bool(self._spec.reading)

    def run(self, outcomes: Outcomes) -> CatalogReport:
        """Submit everything, or what is missing.

        Raises `BadInput`, `LedgerUnavailable`, `Conflict` once cancelled; where it does not wait, `QueueFull` for a queue that is
        full and `CatalogTooLarge` for a catalog that fills it alone.
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
        """From here on the catalog is sent, as that of a new job is."""
        if self._begun is not None:
            self._begun.check_end()
            self._last, self._begun = self._begun.last, None

    def _reject(self, problem: RejectedRow) -> None:
        if self.report.rejected_rows <= self._written_count:
            return  # It was counted before the job was taken up.
        self._unwritten_count += 1
        if len(self._unwritten) < KEPT_PROBLEMS:
            self._unwritten.append(problem)
        ready = self._created and self._begun is None  # else the file may still prove to be another
        if ready and self._unwritten_count >= PROBLEMS_A_WRITE:
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
        """What is told where the queue filled up half-way; the job is cancelled with it."""
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
        if self._unwritten_count:
            job, count = self._spec.id, self._unwritten_count
            before = self._written_count
            self._ledger.add_rejected_rows(job, self._unwritten, count=count, before=before)
            self._written_count += count
            self._unwritten, self._unwritten_count = [], 0

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.report)

    def _abandon(self) -> None:
        if self._created and not self._spec.reading:
            # The first error is the one to tell; a ledger that is gone cannot be told to cancel.
            with suppress(VitrineError):
                self._ledger.cancel(self._spec.id)


def _count(report: CatalogReport, outcome: CatalogItem | RejectedRow) -> None:
    if isinstance(outcome, CatalogItem):
        report.count_item(outcome)
    else:
        report.count_problem(outcome)
