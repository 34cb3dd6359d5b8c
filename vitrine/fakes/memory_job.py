"""What the ledger in memory keeps of a job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from vitrine.contracts import Failure, ImageRef, JobSpec, JobState, JobStatus, RowProblem


@dataclass
class MemoryChunk:
    """A chunk, and where it is: times are those of the ledger's clock."""

    images: tuple[ImageRef, ...]
    queued: float | None = None
    leased: float | None = None
    due: float | None = None
    token: str = ""
    attempts: int = 0
    suspect: int | None = None

    def unlease(self) -> None:
        """Forget who had it."""
        self.leased, self.token = None, ""


@dataclass
class MemoryJob:
    """A job with its chunks and outcomes, by ordinal."""

    spec: JobSpec
    state: JobState = JobState.OPEN
    items: int = 0
    images: int = 0
    rejected: int = 0
    chunks: dict[int, MemoryChunk] = field(default_factory=dict)
    next_chunk: int = 0
    embedded: set[int] = field(default_factory=set)
    failed: dict[int, Failure] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    strikes: Counter[int] = field(default_factory=Counter)
    problems: list[RowProblem] = field(default_factory=list)
    fed: float = 0.0
    updated: float = 0.0
    finished: float | None = None


def to_send(chunk: MemoryChunk, now: float, lost_before: float) -> bool:
    """Whether the sweeper sends a chunk again."""
    return (
        (chunk.leased is not None and chunk.leased <= now)
        or (chunk.due is not None and chunk.due <= now)
        or (chunk.queued is not None and chunk.queued < lost_before)
    )


def pending(entry: MemoryJob) -> int:
    """Pictures without an outcome."""
    return entry.images - len(entry.embedded) - len(entry.failed) - len(entry.cancelled)


def status_of(entry: MemoryJob) -> JobStatus:
    """The counts, as the ledger tells them."""
    reasons = Counter(failure.reason.value for failure in entry.failed.values())
    return JobStatus(
        spec=entry.spec,
        state=entry.state,
        items=entry.items,
        images=entry.images,
        embedded=len(entry.embedded),
        failed=len(entry.failed),
        cancelled=len(entry.cancelled),
        rejected_rows=entry.rejected,
        failed_by_reason=dict(sorted(reasons.items())),
        fed_at=entry.fed,
        updated_at=entry.updated,
        finished_at=entry.finished,
    )
