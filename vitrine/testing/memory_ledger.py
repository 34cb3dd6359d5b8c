"""The ledger in memory: the same guarantees as on Redis, for unit tests. Nothing survives the process."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vitrine.core.errors import Conflict
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.core.types import (
    CHUNK_SIZE,
    Chunk,
    Failure,
    ImageRef,
    JobSpec,
    JobState,
    RejectedRow,
    StageTotal,
)
from vitrine.ledger.base import (
    MAX_PICTURE_CRASHES,
    NO_STAGES,
    Deferral,
    FinishReport,
    Lease,
    LeaseRefusal,
    NewChunk,
)
from vitrine.ledger.rules import diverged_job, remaining_images
from vitrine.testing.memory_job import (
    MemoryChunk,
    MemoryJob,
    add_stages,
    adjust_to_clock,
    complete,
    is_due,
    note_index,
    record_embedded,
    record_failures,
    record_rejected,
    settle,
)
from vitrine.testing.memory_queries import MemoryQueries


class MemoryLedger(MemoryQueries):
    """`vitrine.ledger.base.Ledger` in memory. Replace `clock` to control time."""

    def __init__(
        self, clock: Callable[[], float] = time.time, *, options: StoreOptions = DEFAULTS
    ) -> None:
        super().__init__(clock)
        self._options = options
        self._tokens = itertools.count(1)

    def create(self, spec: JobSpec) -> None:
        with self._lock:
            now = self._clock()
            made = MemoryJob(spec, fed=now, updated=now, bulk=self._options.index_points)
            self._jobs.setdefault(spec.id, made)

    def add_chunks(
        self, job: str, chunks: Sequence[NewChunk], *, after: bytes | None = None
    ) -> list[int]:
        with self._lock:
            entry = self._job(job)
            if entry.state is not JobState.OPEN:
                raise Conflict(f"Job {job} is {entry.state}, so this is not possible.")
            _check_last(entry, after)
            entry.marks += [chunk.mark for chunk in chunks if chunk.mark]
            entry.images += sum(len(chunk.images) for chunk in chunks)
            entry.items += sum(chunk.items for chunk in chunks)
            entry.fed = self._clock()
            return [self._append(entry, tuple(chunk.images)) for chunk in chunks]

    def _append(self, entry: MemoryJob, images: tuple[ImageRef, ...]) -> int:
        number = entry.next_chunk
        entry.next_chunk += 1
        entry.chunks[number] = MemoryChunk(images, queued=self._clock())
        return number

    def add_rejected_rows(
        self, job: str, problems: Sequence[RejectedRow], *, by_code: Mapping[str, int], before: int
    ) -> None:
        with self._lock:
            entry = self._job(job)
            if entry.rejected.total() == before + sum(by_code.values()):
                return
            if entry.rejected.total() != before:
                raise diverged_job(job)
            record_rejected(entry, problems, by_code)

    def seal(self, job: str, *, after: bytes | None = None) -> JobState:
        with self._lock:
            entry = self._job(job)
            if entry.state is JobState.OPEN:
                _check_last(entry, after)
                entry.marks.clear()
                entry.state = JobState.RUNNING
            return self._settle(entry)

    def lease(self, job: str, number: int, *, seconds: float) -> Lease | LeaseRefusal:
        with self._lock:
            entry = self._jobs.get(job)
            refusal = self._refusal(entry, number)
            if entry is None or refusal is not None:
                return refusal or LeaseRefusal.UNKNOWN
            chunk = entry.chunks[number]
            chunk.queued = chunk.due = None
            chunk.leased = self._clock() + seconds
            entry.term = max(entry.term, seconds)
            chunk.token = str(next(self._tokens))
            chunk.attempts += 1
            if chunk.suspect is not None:
                entry.strikes[chunk.suspect] += 1
                chunk.suspect = None
            struck = {image.ordinal: entry.strikes[image.ordinal] for image in chunk.images}
            return Lease(
                chunk=Chunk(job, number, chunk.images),
                spec=entry.spec,
                token=chunk.token,
                attempt=chunk.attempts,
                suspects=tuple(o for o, n in struck.items() if 0 < n < MAX_PICTURE_CRASHES),
                poison_ordinals=tuple(o for o, n in struck.items() if n >= MAX_PICTURE_CRASHES),
            )

    def _refusal(self, entry: MemoryJob | None, number: int) -> LeaseRefusal | None:
        if entry is None:
            return LeaseRefusal.UNKNOWN
        if entry.state in {JobState.CANCELLING, JobState.CANCELLED}:
            return LeaseRefusal.CANCELLED
        chunk = entry.chunks.get(number)
        if chunk is None:
            return LeaseRefusal.DONE
        now = self._clock()
        if chunk.leased is not None and chunk.leased > now:
            return LeaseRefusal.LEASED
        if chunk.due is not None and chunk.due > now:
            return LeaseRefusal.NOT_DUE
        return None

    def _held(self, lease: Lease) -> tuple[MemoryJob, MemoryChunk] | None:
        entry = self._jobs.get(lease.chunk.job)
        chunk = entry.chunks.get(lease.chunk.number) if entry else None
        if entry is None or chunk is None or chunk.token != lease.token:
            return None
        return entry, chunk

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        with self._lock:
            held = self._held(lease)
            if held is None or held[0].state is JobState.CANCELLING:
                return False
            held[0].term = max(held[0].term, seconds)
            held[1].leased = self._clock() + seconds
            return True

    def suspect(self, lease: Lease, ordinal: int | None) -> None:
        with self._lock:
            held = self._held(lease)
            if held is None:
                return
            entry, chunk = held
            if ordinal is None and chunk.suspect is not None:
                del entry.strikes[chunk.suspect]
            chunk.suspect = ordinal

    def finish(
        self,
        lease: Lease,
        *,
        embedded: Sequence[int],
        failures: Sequence[Failure],
        deferrals: Sequence[Deferral] = (),
        stages: Mapping[str, StageTotal] = NO_STAGES,
        keep: bool = False,
    ) -> FinishReport:
        with self._lock:
            entry = self._job(lease.chunk.job)
            newly_embedded = record_embedded(entry, embedded)
            held = self._held(lease)
            # If the chunk has moved on, its new holder reports failures. A cancelled job has no new holder.
            over = entry.state in {JobState.CANCELLING, JobState.CANCELLED}
            newly_failed_by = record_failures(entry, failures if held or over else ())
            newly_failed = newly_failed_by.total()
            if held is not None:
                rest, due = remaining_images(
                    lease, embedded=embedded, failures=failures, deferrals=deferrals
                )
                self._leave(entry, lease.chunk.number, rest, due, keep=keep)
                add_stages(entry, stages)
            self._note(newly_embedded, newly_failed)
            state = self._settle(entry)
            return FinishReport(
                held is not None, newly_embedded, newly_failed, state, newly_failed_by
            )

    def _note(self, embedded: int, failed: int) -> None:
        minute = int(self._clock() // 60)
        self._minutes[minute, "embedded"] += embedded
        self._minutes[minute, "failed"] += failed

    def _leave(
        self, entry: MemoryJob, number: int, rest: tuple[ImageRef, ...], due: float | None, *, keep: bool
    ) -> None:  # fmt: skip
        if not rest or entry.state is JobState.CANCELLING:
            del entry.chunks[number]
        elif keep:
            entry.chunks[number].keep(rest)
        else:
            begun = entry.chunks[number].attempts - 1
            later = self._clock() if due is None else due
            entry.chunks[number] = MemoryChunk(rest, due=later, attempts=begun)

    def release(self, lease: Lease, *, due: float | None = None) -> None:
        with self._lock:
            held = self._held(lease)
            if held is None:
                return
            entry, chunk = held
            chunk.unlease()
            chunk.suspect = None
            chunk.attempts -= 1
            chunk.due = self._clock() if due is None else due
            if entry.state is JobState.CANCELLING:
                del entry.chunks[lease.chunk.number]
            self._settle(entry)

    def sweep(self, job: str, *, lost_before: float, limit: int = 1000) -> list[int]:
        with self._lock:
            entry = self._jobs.get(job)
            if entry is None:
                return []
            now = self._clock()
            adjust_to_clock(entry, now)
            again: list[int] = []
            for number, chunk in entry.chunks.items():
                if is_due(chunk, now, lost_before) and len(again) < limit:
                    chunk.unlease()
                    chunk.due, chunk.queued = None, now
                    again.append(number)
            if entry.state is JobState.CANCELLING:
                again = []
            self._settle(entry)
            return again

    def record_index_progress(self, job: str, *, indexed: int, points: int) -> float:
        with self._lock:
            entry = self._jobs.get(job)
            return note_index(entry, indexed, points, self._clock()) if entry else 0.0

    def complete(self, job: str) -> JobState:
        with self._lock:
            return complete(self._job(job), self._clock())

    def cancel(self, job: str) -> JobState:
        with self._lock:
            entry = self._job(job)
            if entry.state.finished or entry.state is JobState.INDEXING:
                raise Conflict(f"Job {job} is already {entry.state}.")
            entry.state = JobState.CANCELLING
            entry.marks.clear()
            entry.chunks = {n: c for n, c in entry.chunks.items() if c.leased is not None}
            return self._settle(entry)

    def retry(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
    ) -> list[int]:
        with self._lock:
            entry = self._job(job)
            if entry.state in {JobState.OPEN, JobState.CANCELLING, JobState.CANCELLED}:
                raise Conflict(f"Job {job} is {entry.state}, so this is not possible.")
            chosen = list(self.failures(job, reason=reason, host=host, items=items))
            images = [replace(failure.image, rounds=0) for failure in chosen]
            for image in images:
                del entry.failed[image.ordinal]
                del entry.strikes[image.ordinal]
            if images:
                entry.state, entry.finished = JobState.RUNNING, None
            return [
                self._append(entry, tuple(images[at : at + CHUNK_SIZE]))
                for at in range(0, len(images), CHUNK_SIZE)
            ]

    def _settle(self, entry: MemoryJob) -> JobState:
        return settle(entry, self._clock())


def _check_last(entry: MemoryJob, after: bytes | None) -> None:
    if after is not None and (entry.marks[-1] if entry.marks else b"") != after:
        raise diverged_job(entry.spec.id)
