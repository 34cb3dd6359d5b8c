"""Processes one chunk, from its message to its outcomes. Safe to run twice: the ledger knows what is left to do.

The message is acknowledged last, after this returns. If the process crashes before, the lease runs out and the sweeper
sends the chunk again. If it crashes between the upsert and the ledger write, the same points are written again under
the same ids.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from vitrine.core.errors import LedgerUnavailable, SpaceMismatch, StoreRejected, StoreUnavailable
from vitrine.core.types import FailureReason
from vitrine.ledger import Deferral, Lease, LeaseRefusal, Ledger
from vitrine.ledger.base import NO_STAGES
from vitrine.telemetry import bind_fields, log_fields
from vitrine.telemetry.traces import ChunkTrace, NoTraces, Traces
from workers.ingest.concurrent import ConcurrentChunk
from workers.ingest.leases import HeldLease, LeaseKeeper
from workers.ingest.one_by_one import OneByOneChunk
from workers.ingest.outcomes import Outcomes
from workers.ingest.retries import RetryPolicy
from workers.ingest.retry_ledger import LedgerRetry
from workers.ingest.upsert import ChunkStore
from workers.stages import Stages

log = logging.getLogger(__name__)

MAX_CHUNK_ATTEMPTS = 10
"""Worker deaths over a chunk that makes no progress and has no suspect picture; after that the rest is dead-lettered."""
POLL_SECONDS = 0.2
"""Seconds between checks for shutdown while a chunk waits for the one-by-one lock."""
STORE_AWAY = 15.0
"""Seconds until a chunk that could not be stored is retried."""

FAILED_PREFIX = "failed."
Report = dict[str, int | str]
"""What the task returns and Flower shows: counts, failures also by reason (`failed.not_found`), or why nothing was done."""


@dataclass(frozen=True, slots=True)
class ChunkWorker:
    """Processes chunks; there is one per process, shared by all task threads."""

    ledger: Ledger
    store: ChunkStore
    stages: Stages
    keeper: LeaseKeeper
    retries: RetryPolicy
    lease_seconds: float
    window: int
    fetch_files: bool
    stopping: Callable[[], bool]
    patience: LedgerRetry
    traces: Traces = field(default_factory=NoTraces)
    one_by_one_turn: threading.Lock = field(default_factory=threading.Lock)
    """Held while a chunk is processed one by one."""

    def ingest(self, job: str, number: int) -> Report:
        """Process a chunk; return its counts, or the reason why it was not done."""
        with bind_fields(job=job, chunk=number), self.traces.chunk(job, number) as trace:
            return self._ingest(job, number, trace)

    def _ingest(self, job: str, number: int, trace: ChunkTrace) -> Report:
        if self.traces.on:
            self._tell_wait(job, number, trace)
        # Wait before taking the lease: another worker that can reach the store may take the chunk meanwhile.
        self.store.wait_until_back()
        lease = self._lease(job, number)
        if isinstance(lease, LeaseRefusal):
            return {"refused": lease.value}
        if lease.one_by_one:
            return self._in_turn(lease, trace)
        return self._hold(lease, trace)

    def _in_turn(self, lease: Lease, trace: ChunkTrace) -> Report:
        """Process a chunk one by one as soon as no other chunk of this process is processed that way.

        Its lease is released while it waits: a death meanwhile is not blamed on it, and another worker may take it.
        """
        waited = not self.one_by_one_turn.acquire(blocking=False)
        if waited:
            self.ledger.release(lease)
            while not self.one_by_one_turn.acquire(timeout=POLL_SECONDS):
                if self.stopping():
                    return {"given_back": "stopping"}
        try:
            taken = self._lease(lease.chunk.job, lease.chunk.number) if waited else lease
            if isinstance(taken, LeaseRefusal):
                return {"refused": taken.value}
            return self._hold(taken, trace)
        finally:
            self.one_by_one_turn.release()

    def _lease(self, job: str, number: int) -> Lease | LeaseRefusal:
        return self.ledger.lease(job, number, seconds=self.lease_seconds)

    def _hold(self, lease: Lease, trace: ChunkTrace) -> Report:
        with self.keeper.holding(lease) as held:
            try:
                return self._do(held)
            finally:
                trace.worked(held.times)

    def _tell_wait(self, job: str, number: int, trace: ChunkTrace) -> None:
        """Add the message's waiting time to the trace, by the ledger's clock, if the chunk is still queued."""
        [queued] = self.ledger.queued_at(job, [number])
        if queued is not None:
            trace.waited(self.ledger.clock() - queued)

    def _do(self, held: HeldLease) -> Report:
        lease = held.lease
        try:
            outcomes = self._walk(held)
            self._store(held, outcomes)
            return self._finish(held, outcomes)
        except StoreUnavailable as error:
            log.warning("the chunk's lease is released: %s", error)
            self._give_back(lease)
            return {**held.counts, "given_back": error.code}
        except Exception:
            # The worker did not die: releasing the lease keeps this from counting as a death over the chunk.
            with suppress(LedgerUnavailable):
                self._give_back(lease)
            raise

    def _give_back(self, lease: Lease) -> None:
        self.patience(lambda: self.ledger.release(lease, due=self.ledger.clock() + STORE_AWAY))

    def _store(self, held: HeldLease, outcomes: Outcomes) -> None:
        """Write the vectors; if the collection has another embedding space, record each picture as failed."""
        embedded = list(outcomes.embedded)
        try:
            with held.times.during("upsert", len(embedded)):
                self.store.upsert(held.lease.spec, outcomes, held.lost)
        except SpaceMismatch as error:
            outcomes.embedded.clear()
            for point in embedded:
                outcomes.fail_with(point.image, FailureReason.STORE_REJECTED, str(error))

    def _walk(self, held: HeldLease) -> Outcomes:
        lease = held.lease
        outcomes = Outcomes()
        if self.stopping():
            return outcomes
        if lease.attempt > MAX_CHUNK_ATTEMPTS:
            detail = f"workers died {MAX_CHUNK_ATTEMPTS} times over its chunk"
            return _all_failed(lease, FailureReason.CRASHED_WORKER, detail)
        try:
            self.store.ensure(lease.spec.collection)
        except (SpaceMismatch, StoreRejected) as error:
            return _all_failed(lease, FailureReason.STORE_REJECTED, str(error))
        return self._run(held)

    def _run(self, held: HeldLease) -> Outcomes:
        lease = held.lease

        def stopped() -> bool:
            return self.stopping() or held.lost()

        root = lease.spec.file_root if self.fetch_files else None
        if lease.one_by_one:
            return OneByOneChunk(
                self.stages, self.ledger, lease, self.retries, root, stopped, self.patience,
                lambda outcomes: self._write(held, outcomes), held.times,
            ).run()  # fmt: skip
        images = list(lease.chunk.images)
        return ConcurrentChunk(
            self.stages, images, self.retries, self.window, root, stopped, held.times
        ).run()

    def _write(self, held: HeldLease, outcomes: Outcomes) -> None:
        """Store and record the outcomes so far of a one-by-one chunk, and keep the lease for the rest."""
        self._store(held, outcomes)
        self._record(held, replace(outcomes, deferrals=[]), keep=True)
        embedded = {point.image.ordinal for point in outcomes.embedded}
        failed = {failure.image.ordinal for failure in outcomes.failures}
        held.lease = held.lease.without(embedded | failed)

    def _finish(self, held: HeldLease, outcomes: Outcomes) -> Report:
        self._record(held, outcomes)
        counts: Report = dict(held.counts)
        log.info("the chunk is done", extra=log_fields(**counts))
        return counts

    def _record(self, held: HeldLease, outcomes: Outcomes, *, keep: bool = False) -> None:
        # Use the ledger's clock, which all workers share.
        clock = self.patience(self.ledger.clock)
        stages = NO_STAGES if keep else held.times.totals()
        with held.times.during("record"):
            report = self.patience(
                lambda: self.ledger.finish(
                    held.lease,
                    embedded=[point.image.ordinal for point in outcomes.embedded],
                    failures=[replace(failure, failed_at=clock) for failure in outcomes.failures],
                    deferrals=[
                        Deferral(image, clock + seconds) for image, seconds in outcomes.deferrals
                    ],
                    stages=stages,
                    keep=keep,
                )
            )
        held.counts.update(
            embedded=report.newly_embedded,
            failed=report.newly_failed,
            put_off=len(outcomes.deferrals),
        )
        for reason, count in sorted(report.newly_failed_by.items()):
            held.counts[f"{FAILED_PREFIX}{reason}"] += count
        _tell(outcomes)


def _all_failed(lease: Lease, reason: FailureReason, detail: str) -> Outcomes:
    outcomes = Outcomes()
    for image in lease.chunk.images:
        outcomes.fail_with(image, reason, detail)
    return outcomes


def _tell(outcomes: Outcomes) -> None:
    """Log each picture that failed or is deferred, without its URL: only the ledger protects that."""
    for failure in outcomes.failures:
        image = failure.image
        told = log_fields(
            item=image.item_id, index=image.index, host=image.host, reason=failure.reason
        )
        log.info("a picture failed: %s", failure.detail, extra=told)
    for image, seconds in outcomes.deferrals:
        told = log_fields(item=image.item_id, index=image.index, host=image.host, seconds=seconds)
        log.debug("a picture is deferred", extra=told)
