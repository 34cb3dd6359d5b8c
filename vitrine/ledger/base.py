"""The ledger's contract, as a protocol: implemented on Redis for production and in memory for unit tests.

The states of a chunk::

    add_chunks ▶ queued ──lease──▶ leased ──finish──▶ done (its blob is freed)
                  ▲  ▲                │ │
                  │  └── lease over ──┘ └── deferred / release ─▶ due later
                  └───────────────── sweep ─────────────────────────┘

Every method is safe to call twice with the same arguments.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple, Protocol

from vitrine.core.types import (
    Chunk,
    Failure,
    ImageRef,
    JobSpec,
    JobState,
    JobStatus,
    RejectedRow,
    StageTotal,
)

MAX_INDEX_CHECK_GAP = 60.0
"""Longest gap, in seconds, between two index checks that counts as standstill: in a longer one, the store or the workers
were down."""


MAX_PICTURE_CRASHES = 3
"""Worker deaths on one picture before it is dead-lettered. One death may have another cause (a kill, a neighbour), and if
workers die every second, so may two: of 150 such deaths, four hit a picture a second time, measured by tests/faults."""
MAX_REJECTED_ROWS = 1000
"""Rejected rows kept for display; all of them are counted."""
CHECKSUM_BYTES = 8
"""Bytes of a chunk's mark: two diverging catalogs have the same mark by chance once in 2**64."""


NO_STAGES: Mapping[str, StageTotal] = MappingProxyType({})
"""The stages of a chunk that was not timed. `finish` adds a chunk's stages to the job's if the lease is still held."""


class LeaseRefusal(enum.StrEnum):
    """The reason why a chunk was not leased; its message is then acknowledged and dropped."""

    DONE = "done"  #: Every picture of it has its outcome.
    LEASED = "leased"  #: A worker holds a lease that has not expired.
    NOT_DUE = "not_due"  #: It was deferred; the sweeper sends it when it is due.
    CANCELLED = "cancelled"  #: Its job was cancelled.
    UNKNOWN = "unknown"  #: No such job or chunk: deleted, expired, or never written.


class NewChunk(NamedTuple):
    """The pictures of a new chunk, and how many items begin among them."""

    images: Sequence[ImageRef]
    items: int
    mark: bytes = b""
    """Digest (`CHECKSUM_BYTES`) of all pictures of the job up to this chunk's last; empty if the producer writes no marks."""
    rows: bytes = b""
    """The pictures as encoded by `vitrine.ledger.codec.image_rows`, if that is already done: it is half of the work."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to work on a chunk until it expires; it can be renewed."""

    chunk: Chunk
    spec: JobSpec
    token: str
    attempt: int
    """1 for the first; a chunk whose worker died comes back with 2 and is processed carefully."""
    suspects: tuple[int, ...]
    """Ordinals on which workers died, to be tried first and alone."""
    poison_ordinals: tuple[int, ...]
    """Ordinals on which `MAX_PICTURE_CRASHES` workers died: dead-letter them without processing them."""

    @property
    def one_by_one(self) -> bool:
        """Whether an earlier worker died on the chunk, so that it is processed one picture at a time."""
        return self.attempt > 1 or bool(self.suspects or self.poison_ordinals)

    def without(self, settled: Collection[int]) -> Lease:
        """Return the lease on the remaining pictures after these ordinals have their outcome."""
        images = tuple(image for image in self.chunk.images if image.ordinal not in settled)
        return replace(self, chunk=replace(self.chunk, images=images))


@dataclass(frozen=True, slots=True)
class Deferral:
    """A picture to be retried at a later time."""

    image: ImageRef
    due: float  #: Unix seconds.


@dataclass(frozen=True, slots=True)
class FinishReport:
    """The changes made by finishing a chunk."""

    accepted: bool
    """False if another worker had the lease by then: embedded pictures still count, failures do not."""
    newly_embedded: int
    newly_failed: int
    state: JobState
    newly_failed_by: Mapping[str, int] = field(default_factory=dict)
    """The newly failed ones by reason."""


class ChunksLeft(NamedTuple):
    """The unfinished chunks of a job, by place."""

    queued: int  #: Their message is in the queue.
    leased: int  #: A worker has them.
    due: int  #: Deferred, for example for a host that sent Retry-After.


class MinuteOutcomes(NamedTuple):
    """The outcomes of all jobs recorded within one minute."""

    at: float  #: Unix seconds at the start of the minute, by the ledger's clock.
    embedded: int
    failed: int


class Ledger(Protocol):
    """The source of truth about jobs. Every method can raise `LedgerUnavailable`."""

    def ping(self) -> None:
        """Check that the ledger responds; raises `LedgerUnavailable` if it does not."""

    # --- for producers -------------------------------------------------------------------------
    def create(self, spec: JobSpec) -> None:
        """Write the job as `open`, without any chunks."""

    def add_chunks(
        self, job: str, chunks: Sequence[NewChunk], *, after: bytes | None = None
    ) -> list[int]:
        """Append chunks (queued as of now), all or none, and return their numbers.

        One call is one round trip; a producer passes a few dozen. If `after` is given, the mark of the job's last chunk
        must equal it (empty: there is no chunk yet); otherwise `LedgerUnavailable` is raised. So one of two concurrent
        producers is refused, and a ledger that lost its last writes (Redis can lose its last second) gets no chunks after
        the gap. Also raises `Conflict` if the job is no longer open, and `NotFound`.
        """

    def add_rejected_rows(
        self, job: str, problems: Sequence[RejectedRow], *, by_code: Mapping[str, int], before: int
    ) -> None:
        """Count more rejected rows, by code, after `before` earlier ones, and keep a job's first 1,000 for display.

        The row that says where the file broke off is kept in any case. Raises `LedgerUnavailable` if the ledger has counted
        a number of rows other than `before`, and `NotFound`.
        """

    def marks(self, job: str) -> Iterator[bytes]:
        """Stream the mark of each chunk that an open job already has, in order."""

    def seal(self, job: str, *, after: bytes | None = None) -> JobState:
        """Declare the job complete: no more chunks follow. If nothing is left to do, it finishes or enters `indexing`.

        `after` is as in `add_chunks`; the marks are deleted.
        """

    def pending_images(self) -> int:
        """Return the number of pictures without an outcome, over all jobs, for back-pressure."""

    # --- for workers ---------------------------------------------------------------------------
    def lease(self, job: str, number: int, *, seconds: float) -> Lease | LeaseRefusal:
        """Take the chunk, counting the attempt before any work, or return why not."""

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        """Extend the lease; False if it is no longer ours or the job is being cancelled: then stop."""

    def suspect(self, lease: Lease, ordinal: int | None) -> None:
        """Record the picture that a careful attempt is about to process; None once it came through."""

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
        """Record outcomes by ordinal, exactly once, and free the chunk.

        An embedded picture overrides an earlier failure and counts even if the lease has passed on: its vector is stored.
        A failure counts only while the lease is ours or the job is being cancelled; otherwise the chunk was leased again or
        retried, and another worker records the outcome. `deferrals` stay in the chunk, which is then due at the latest of
        their times. Pictures named in none of the three stay too (due immediately if there are no deferrals), so that a
        partial finish loses nothing. A chunk that keeps pictures also keeps its earlier attempts: if a worker died on it,
        it is processed carefully to its end.

        `keep` records outcomes midway: it keeps the lease for the remaining pictures and, because the chunk made progress,
        forgets all but one of the deaths on it. Continue with `Lease.without`; pass deferrals with the final call.
        """

    def release(self, lease: Lease, *, due: float | None = None) -> None:
        """Return the chunk unprocessed, without counting the attempt; `due` (unix seconds) is the earliest next start."""

    # --- for the sweeper -----------------------------------------------------------------------
    def sweep(self, job: str, *, lost_before: float, limit: int = 1000) -> list[int]:
        """Return the chunks to send again, marked as queued from now.

        These are chunks whose lease expired, deferred chunks that are due, and chunks queued before
        `lost_before` (unix seconds, ledger clock), whose message can no longer be in the queue.
        Also finishes a `cancelling` job without leases.
        """

    def queued_at(self, job: str, numbers: Sequence[int]) -> list[float | None]:
        """Return when each chunk was last queued (ledger clock); None for one that is not queued."""

    def attempts(self, job: str, numbers: Sequence[int]) -> list[int]:
        """Return how often each chunk was started but neither finished nor returned to the queue: its dead workers and its current one."""

    def clock(self) -> float:
        """Return the ledger's time in unix seconds; clocks of different hosts are never compared."""

    # --- while the index of a bulk job's collection is built ------------------------------------
    def record_index_progress(self, job: str, *, indexed: int, points: int) -> float:
        """Record the index progress of an `indexing` job and return for how many seconds there was none.

        A gap between two checks counts for at most `MAX_INDEX_CHECK_GAP`. Returns 0.0 for a job in another state.
        """

    def complete(self, job: str) -> JobState:
        """Finish an `indexing` job, whose index is built or no longer waited for. Other jobs are left unchanged."""

    # --- for everyone --------------------------------------------------------------------------
    def active_jobs(self) -> list[str]:
        """Return the ids of unfinished jobs."""

    def jobs(self, *, limit: int = 100, offset: int = 0) -> list[JobStatus]:
        """Return jobs, newest first."""

    def status(self, job: str) -> JobStatus:
        """Return the counts of one job; raises `NotFound`."""

    def chunks_left(self, job: str) -> ChunksLeft:
        """Return how many unfinished chunks the job has in each place; all 0 for a finished or unknown job."""

    def outcomes(self, minutes: int) -> list[MinuteOutcomes]:
        """Return the outcomes of each of the last minutes (at most `outcome_rate.KEPT_MINUTES`), the current one last.

        For display only: a minute may lack outcomes recorded while Redis was failing. The counts of jobs never do.
        """

    def failures(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
        after: int = -1,
    ) -> Iterable[Failure]:
        """Stream the failures of a job in order of ordinal, those above the ordinal `after`; raises `NotFound`."""

    def problems(self, job: str) -> list[RejectedRow]:
        """Return the first rejected rows of a job (at most 1,000), and last the one that says where its file broke off."""

    def cancel(self, job: str) -> JobState:
        """Stop a job: queued chunks are dropped immediately, leased ones wind down.

        Raises `Conflict` if the job is finished or has nothing left to stop (`indexing`).
        """

    def retry(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
    ) -> list[int]:
        """Put the matching failures into new chunks and return the chunks' numbers (to be published).

        If two retries match the same failure concurrently, only one of them takes it.
        Raises `Conflict` for a job that is open, cancelling or cancelled.
        """
