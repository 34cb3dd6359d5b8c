"""A job's record in the in-memory ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vitrine.core.broken_off import find_break, is_break
from vitrine.core.store_options import DEFAULTS
from vitrine.core.types import (
    STAGES,
    Failure,
    ImageRef,
    JobSpec,
    JobState,
    JobStatus,
    RejectedRow,
    StageTotal,
)
from vitrine.ledger.base import MAX_INDEX_CHECK_GAP, MAX_REJECTED_ROWS, ChunksLeft


@dataclass
class MemoryChunk:
    """A chunk and its state. Times are on the ledger's clock."""

    images: tuple[ImageRef, ...]
    queued: float | None = None
    leased: float | None = None
    due: float | None = None
    token: str = ""
    attempts: int = 0
    suspect: int | None = None

    def unlease(self) -> None:
        """Clear the lease and its token."""
        self.leased, self.token = None, ""

    def keep(self, rest: tuple[ImageRef, ...]) -> None:
        """Keep the remaining pictures. Of earlier crashes, remember one in addition to the current attempt."""
        self.images = rest
        self.attempts = min(self.attempts, 2)


@dataclass(frozen=True)
class IndexWatch:
    """The last check of the index of a waiting job's collection."""

    indexed: int
    points: int
    seen: float
    still: float = 0.0


@dataclass
class MemoryJob:
    """A job with its chunks, and its outcomes by ordinal."""

    spec: JobSpec
    state: JobState = JobState.OPEN
    items: int = 0
    images: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    chunks: dict[int, MemoryChunk] = field(default_factory=dict)
    next_chunk: int = 0
    marks: list[bytes] = field(default_factory=list)
    embedded: set[int] = field(default_factory=set)
    failed: dict[int, Failure] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    strikes: Counter[int] = field(default_factory=Counter)
    problems: list[RejectedRow] = field(default_factory=list)
    broken_off: RejectedRow | None = None
    term: float = 0.0  #: The longest lease requested, in seconds.
    swept: float = 0.0
    fed: float = 0.0
    updated: float = 0.0
    finished: float | None = None
    bulk: int = DEFAULTS.index_points
    watch: IndexWatch | None = None  #: Set while `indexing`, and kept afterwards.
    stages: dict[str, StageTotal] = field(default_factory=dict)


def add_stages(entry: MemoryJob, stages: Mapping[str, StageTotal]) -> None:
    """Add a chunk's totals to the job's, for the known stages."""
    for name in STAGES:
        if name in stages:
            before, more = entry.stages.get(name, StageTotal(0, 0.0)), stages[name]
            entry.stages[name] = StageTotal(
                before.pictures + more.pictures, before.seconds + more.seconds
            )


def adjust_to_clock(entry: MemoryJob, now: float) -> None:
    """Correct times written before the clock was set back, if it was: none may lie further ahead than possible."""
    back, entry.swept = entry.swept - now, now
    for chunk in entry.chunks.values():
        if chunk.leased is not None:
            chunk.leased = min(chunk.leased, now + entry.term)
        if chunk.queued is not None:
            chunk.queued = min(chunk.queued, now)
        if chunk.due is not None and chunk.due > now:
            chunk.due -= max(0.0, back)


def is_due(chunk: MemoryChunk, now: float, lost_before: float) -> bool:
    """Return whether the sweeper should resend a chunk."""
    return (
        (chunk.leased is not None and chunk.leased <= now)
        or (chunk.due is not None and chunk.due <= now)
        or (chunk.queued is not None and chunk.queued < lost_before)
    )


def pending(entry: MemoryJob) -> int:
    """Return the number of pictures without an outcome."""
    return entry.images - len(entry.embedded) - len(entry.failed) - len(entry.cancelled)


def chunks_left(entry: MemoryJob | None) -> ChunksLeft:
    """Count the unfinished chunks by state."""
    chunks = list(entry.chunks.values()) if entry else []
    return ChunksLeft(
        queued=sum(chunk.queued is not None for chunk in chunks),
        leased=sum(chunk.leased is not None for chunk in chunks),
        due=sum(chunk.due is not None for chunk in chunks),
    )


def settle(entry: MemoryJob, now: float) -> JobState:
    """Move to the next state if nothing is left to do in the current one."""
    entry.updated = now
    if entry.state is JobState.RUNNING and pending(entry) == 0:
        entry.watch = None
        entry.state = JobState.INDEXING
        if len(entry.embedded) < entry.bulk:
            complete(entry, now)
    elif entry.state is JobState.CANCELLING and not any(
        chunk.leased is not None for chunk in entry.chunks.values()
    ):
        entry.cancelled = set(range(entry.images)) - entry.embedded - entry.failed.keys()
        entry.chunks.clear()
        entry.state, entry.finished = JobState.CANCELLED, now
    return entry.state


def complete(entry: MemoryJob, now: float) -> JobState:
    """Finish a job that is `indexing`."""
    if entry.state is JobState.INDEXING:
        failed = bool(entry.failed)
        entry.state = JobState.COMPLETED_WITH_FAILURES if failed else JobState.COMPLETED
        entry.finished = entry.updated = now
    return entry.state


def note_index(entry: MemoryJob, indexed: int, points: int, now: float) -> float:
    """Record a check of the index, and return for how many seconds it has made no progress."""
    if entry.state is not JobState.INDEXING:
        return 0.0
    before, still = entry.watch, 0.0
    if before is not None and before.indexed == indexed:
        still = before.still + max(0.0, min(now - before.seen, MAX_INDEX_CHECK_GAP))
    entry.watch = IndexWatch(indexed, points, now, still)
    return still


def status_of(entry: MemoryJob) -> JobStatus:
    """Return the counts as the ledger reports them."""
    reasons = Counter(failure.reason.value for failure in entry.failed.values())
    return JobStatus(
        spec=entry.spec,
        state=entry.state,
        items=entry.items,
        images=entry.images,
        embedded=len(entry.embedded),
        failed=len(entry.failed),
        cancelled=len(entry.cancelled),
        rejected_rows=entry.rejected.total(),
        failed_by_reason=dict(sorted(reasons.items())),
        fed_at=entry.fed,
        updated_at=entry.updated,
        finished_at=entry.finished,
        indexed=entry.watch.indexed if entry.watch else 0,
        points=entry.watch.points if entry.watch else 0,
        stages=dict(entry.stages),
        rejected_by_code=dict(sorted(entry.rejected.items())),
        broken_off=entry.broken_off,
    )


def record_rejected(
    entry: MemoryJob, problems: Sequence[RejectedRow], by_code: Mapping[str, int]
) -> None:
    """Count rejected rows and keep the first ones, and the one that says where the file broke off."""
    entry.rejected.update(by_code)
    entry.broken_off = find_break(problems) or entry.broken_off
    rows = [row for row in problems if not is_break(row)]
    entry.problems = [*entry.problems, *rows][:MAX_REJECTED_ROWS]


def record_embedded(entry: MemoryJob, ordinals: Sequence[int]) -> int:
    """Mark pictures as embedded, whatever their previous outcome. Returns how many are newly embedded."""
    new = [ordinal for ordinal in ordinals if ordinal not in entry.embedded]
    for ordinal in new:
        entry.failed.pop(ordinal, None)
        entry.cancelled.discard(ordinal)
    entry.embedded.update(new)
    return len(new)


def record_failures(entry: MemoryJob, failures: Sequence[Failure]) -> Counter[str]:
    """Record failures of pictures that are not embedded. Returns the number of new ones by reason."""
    wanted = [f for f in failures if f.image.ordinal not in entry.embedded]
    new = Counter(f.reason.value for f in wanted if f.image.ordinal not in entry.failed)
    for failure in wanted:
        entry.failed[failure.image.ordinal] = failure
        entry.cancelled.discard(failure.image.ordinal)
    return new
