"""One chunk from its message to its outcomes. Safe to run twice: the ledger says what is left to do.

Acknowledge last: the message goes only after this returns. A crash anywhere before leaves a lease that
runs out, and the sweeper sends the chunk again; a crash after the upsert but before the ledger writes
the same points again under the same ids.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from vitrine.contracts import FailureReason
from vitrine.errors import LedgerUnavailable, SpaceMismatch, StoreUnavailable
from vitrine.ledger import Lease, Ledger, Putoff, Refusal
from workers.ingest.brisk import Brisk
from workers.ingest.careful import Careful
from workers.ingest.leases import HeldLease, LeaseKeeper
from workers.ingest.outcomes import Outcomes
from workers.ingest.retries import RetryPolicy
from workers.ingest.storing import ChunkStore
from workers.stages import Stages

T = TypeVar("T")
log = logging.getLogger(__name__)

ATTEMPTS_OUT = 10
"""Deaths over one chunk without a picture to blame; after that all of it is dead-lettered."""
STORE_AWAY = 15.0
"""Seconds until a chunk that could not be stored is tried again."""
LEDGER_PATIENCE = 60.0

Report = dict[str, int | str]
"""What the task returns and Flower shows: counts, or why nothing was done."""


@dataclass(frozen=True, slots=True)
class ChunkWorker:
    """What it takes to do chunks; one in a process, used by all task threads."""

    ledger: Ledger
    store: ChunkStore
    stages: Stages
    keeper: LeaseKeeper
    retries: RetryPolicy
    lease_seconds: float
    window: int
    fetch_files: bool
    stopping: Callable[[], bool]

    def ingest(self, job: str, number: int) -> Report:
        """Do the chunk, or say why not."""
        lease = self.ledger.lease(job, number, seconds=self.lease_seconds)
        if isinstance(lease, Refusal):
            return {"refused": lease.value}
        with self.keeper.holding(lease) as held:
            return self._do(held)

    def _do(self, held: HeldLease) -> Report:
        lease = held.lease
        try:
            outcomes = self._walk(held)
            self.store.upsert(lease.spec, outcomes, held.lost)
        except StoreUnavailable as error:
            log.warning(
                "chunk %s of job %s is given back: %s", lease.chunk.number, lease.chunk.job, error
            )
            self._patiently(
                lambda: self.ledger.release(lease, due=self.ledger.clock() + STORE_AWAY)
            )
            return {"given_back": error.code}
        return self._finish(held, outcomes)

    def _walk(self, held: HeldLease) -> Outcomes:
        lease = held.lease
        outcomes = Outcomes()
        if self.stopping():
            return outcomes
        if lease.attempt > ATTEMPTS_OUT:
            detail = f"workers died {ATTEMPTS_OUT} times over its chunk"
            return _all_failed(lease, FailureReason.CRASHED_WORKER, detail)
        try:
            self.store.ensure(lease.spec.collection)
        except SpaceMismatch as error:
            return _all_failed(lease, FailureReason.STORE_REJECTED, str(error))
        return self._run(held)

    def _run(self, held: HeldLease) -> Outcomes:
        lease = held.lease

        def stopped() -> bool:
            return self.stopping() or held.lost()

        root = lease.spec.file_root if self.fetch_files else None
        if lease.attempt > 1 or lease.suspects or lease.culprits:
            return Careful(self.stages, self.ledger, lease, self.retries, root, stopped).run()
        images = list(lease.chunk.images)
        return Brisk(self.stages, images, self.retries, self.window, root, stopped).run()

    def _finish(self, held: HeldLease, outcomes: Outcomes) -> Report:
        clock = self._patiently(self.ledger.clock) if outcomes.putoffs else 0.0
        report = self._patiently(
            lambda: self.ledger.finish(
                held.lease,
                embedded=[point.image.ordinal for point in outcomes.embedded],
                failures=outcomes.failures,
                putoffs=[Putoff(image, clock + seconds) for image, seconds in outcomes.putoffs],
            )
        )
        counts: Report = {
            "embedded": report.newly_embedded,
            "failed": report.newly_failed,
            "put_off": len(outcomes.putoffs),
        }
        log.info("chunk %s of job %s: %s", held.lease.chunk.number, held.lease.chunk.job, counts)
        return counts

    def _patiently(self, call: Callable[[], T]) -> T:
        """Ask the ledger again while it is away: the work is done, only its outcome is not written."""
        deadline = time.monotonic() + LEDGER_PATIENCE
        while True:
            try:
                return call()
            except LedgerUnavailable as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("the ledger is away, trying again: %s", error)
                time.sleep(1.0)


def _all_failed(lease: Lease, reason: FailureReason, detail: str) -> Outcomes:
    outcomes = Outcomes()
    for image in lease.chunk.images:
        outcomes.fail_with(image, reason, detail)
    return outcomes
