"""Read-only operations of the in-memory ledger."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from vitrine.core.types import Failure, JobStatus, RejectedRow
from vitrine.ledger.base import ChunksLeft, MinuteOutcomes
from vitrine.ledger.outcome_rate import last_minutes
from vitrine.ledger.rules import failure_matches, missing_job
from vitrine.testing.memory_job import MemoryJob, chunks_left, pending, status_of


class MemoryQueries:
    """The reading half of `vitrine.testing.memory_ledger.MemoryLedger`, and the state that both halves share."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._jobs: dict[str, MemoryJob] = {}
        self._minutes: Counter[tuple[int, str]] = Counter()
        self._lock = threading.RLock()

    def close(self) -> None:
        """Do nothing, because nothing is open."""

    def ping(self) -> None:
        return

    def _job(self, job: str) -> MemoryJob:
        if job not in self._jobs:
            raise missing_job(job)
        return self._jobs[job]

    def marks(self, job: str) -> Iterator[bytes]:
        with self._lock:
            return iter(list(self._jobs[job].marks) if job in self._jobs else [])

    def pending_images(self) -> int:
        with self._lock:
            return sum(pending(entry) for entry in self._jobs.values())

    def attempts(self, job: str, numbers: Sequence[int]) -> list[int]:
        with self._lock:
            chunks = self._job(job).chunks
            return [chunks[n].attempts if n in chunks else 0 for n in numbers]

    def queued_at(self, job: str, numbers: Sequence[int]) -> list[float | None]:
        with self._lock:
            chunks = self._jobs[job].chunks if job in self._jobs else {}
            return [chunks[n].queued if n in chunks else None for n in numbers]

    def clock(self) -> float:
        return self._clock()

    def active_jobs(self) -> list[str]:
        with self._lock:
            return sorted(job for job, entry in self._jobs.items() if not entry.state.finished)

    def jobs(self, *, limit: int = 100, offset: int = 0) -> list[JobStatus]:
        with self._lock:
            newest = sorted(self._jobs.values(), key=lambda entry: -entry.spec.created_at)
            return [status_of(entry) for entry in newest[offset : offset + limit]]

    def status(self, job: str) -> JobStatus:
        with self._lock:
            return status_of(self._job(job))

    def chunks_left(self, job: str) -> ChunksLeft:
        with self._lock:
            return chunks_left(self._jobs.get(job))

    def outcomes(self, minutes: int) -> list[MinuteOutcomes]:
        with self._lock:
            seen = self._minutes
            return [
                MinuteOutcomes(at * 60.0, seen[at, "embedded"], seen[at, "failed"])
                for at in last_minutes(minutes, self._clock())
            ]

    def failures(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
        after: int = -1,
    ) -> Iterator[Failure]:
        with self._lock:
            ordered = sorted(self._job(job).failed.items())
        beyond = (failure for ordinal, failure in ordered if ordinal > after)
        return (f for f in beyond if failure_matches(f, reason=reason, host=host, items=items))

    def problems(self, job: str) -> list[RejectedRow]:
        with self._lock:
            entry = self._job(job)
            return [*entry.problems, *filter(None, [entry.broken_off])]
