"""What the ledger promises, as a protocol: Redis keeps it in production, memory in unit tests.

A chunk's way through it::

    add_chunks ▶ queued ──lease──▶ leased ──finish──▶ done (its blob is freed)
                  ▲  ▲                │ │
                  │  └── lease over ──┘ └── put off / release ──▶ due later
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
"""Seconds between two looks at an index that count as standstill: longer ones say that the store or the workers were away."""


MAX_PICTURE_CRASHES = 3
"""Deaths on one picture before it is dead-lettered. One may be somebody else's doing (a kill, a neighbour), and where workers die
every second so may two: of 150 such deaths four met a picture a second time, measured by tests/faults."""
CHECKSUM_BYTES = 8
"""Bytes of a chunk's mark: two catalogs that part have the same one by chance in 2**64 tries."""


NO_STAGES: Mapping[str, StageTotal] = MappingProxyType({})
"""Of a chunk whose way was not timed. What `finish` is told is added to the job's, where the lease is still held."""


class LeaseRefusal(enum.StrEnum):
    """Why a chunk was not leased; its message is then acknowledged and forgotten."""

    DONE = "done"  #: Every picture of it has its outcome.
    LEASED = "leased"  #: A worker has it, and its lease is still running.
    NOT_DUE = "not_due"  #: It was put off; the sweeper sends it when its time has come.
    CANCELLED = "cancelled"  #: Its job was cancelled.
    UNKNOWN = "unknown"  #: No such job or chunk: deleted, expired, or never written.


class NewChunk(NamedTuple):
    """Pictures that shall be one chunk, and how many items begin among them."""

    images: Sequence[ImageRef]
    items: int
    mark: bytes = b""
    """Digest (`CHECKSUM_BYTES`) of all pictures of the job up to this chunk's last; empty where the producer does not mark."""
    rows: bytes = b""
    """The pictures as `vitrine.ledger.codec.image_rows` writes them, where that was done already: it is half of the work."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a chunk until it ends or is renewed."""

    chunk: Chunk
    spec: JobSpec
    token: str
    attempt: int
    """1 for the first; a chunk whose worker died comes back with 2 and is done carefully."""
    suspects: tuple[int, ...]
    """Ordinals that workers died on, to be tried first and alone."""
    poison_ordinals: tuple[int, ...]
    """Ordinals that `MAX_PICTURE_CRASHES` workers died on: dead-letter them, do not touch them."""

    @property
    def one_by_one(self) -> bool:
        """Whether a worker died over the chunk before, so that it is done one picture at a time."""
        return self.attempt > 1 or bool(self.suspects or self.poison_ordinals)

    def without(self, settled: Collection[int]) -> Lease:
        """The lease on what is left, where these ordinals have their outcome."""
        images = tuple(image for image in self.chunk.images if image.ordinal not in settled)
        return replace(self, chunk=replace(self.chunk, images=images))


@dataclass(frozen=True, slots=True)
class Deferral:
    """A picture that shall be tried again at a later time rather than now."""

    image: ImageRef
    due: float  #: Unix seconds.


@dataclass(frozen=True, slots=True)
class FinishReport:
    """What finishing a chunk changed."""

    accepted: bool
    """False where the lease had passed to somebody else: what is embedded counts all the same, failures do not."""
    newly_embedded: int
    newly_failed: int
    state: JobState
    newly_failed_by: Mapping[str, int] = field(default_factory=dict)
    """The newly failed ones by reason."""


class ChunksLeft(NamedTuple):
    """Where the chunks of a job are that are not done."""

    queued: int  #: Their message is in the queue.
    leased: int  #: A worker has them.
    due: int  #: Put off, as for a host that asked to be left alone.


class MinuteOutcomes(NamedTuple):
    """Outcomes of all jobs that were recorded within a minute."""

    at: float  #: Unix seconds at which it began, by the ledger's clock.
    embedded: int
    failed: int


class Ledger(Protocol):
    """The truth about jobs. Every method may raise `LedgerUnavailable`."""

    def ping(self) -> None:
        """Return when the ledger answers, raise `LedgerUnavailable` where it does not."""

    # --- the producer's side -------------------------------------------------------------------
    def create(self, spec: JobSpec) -> None:
        """Write the job as `open`, with nothing in it."""

    def add_chunks(
        self, job: str, chunks: Sequence[NewChunk], *, after: bytes | None = None
    ) -> list[int]:
        """Write the next chunks (as queued, from now), all or none, and return their numbers.

        Several at once cost one round trip: a producer gives some dozen. With `after` the mark of the job's last
        chunk has to be this one (empty: it has none yet), so that of two producers at once one is refused, and a ledger
        that lost what was written last (Redis keeps all but its last second) is not written past the gap. Raises
        `LedgerUnavailable` then, `Conflict` where the job is no longer open, `NotFound`.
        """

    def add_rejected_rows(
        self, job: str, problems: Sequence[RejectedRow], *, count: int, before: int
    ) -> None:
        """Count `count` rejected rows after the `before` that are counted, and keep the first 1,000 of a job to show.

        Raises `LedgerUnavailable` where another number of them is counted, `NotFound`.
        """

    def marks(self, job: str) -> Iterator[bytes]:
        """The mark of each chunk of an open job in order, streamed: what is in already."""

    def seal(self, job: str, *, after: bytes | None = None) -> JobState:
        """Say that every chunk is in; a job with nothing left to do is finished here, or goes on to `indexing`.

        `after` as with `add_chunks`; the marks are forgotten.
        """

    def pending_images(self) -> int:
        """Pictures of all jobs that have no outcome yet: what back-pressure looks at."""

    # --- the worker's side ---------------------------------------------------------------------
    def lease(self, job: str, number: int, *, seconds: float) -> Lease | LeaseRefusal:
        """Take the chunk, counting the attempt before any work, or say why not."""

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        """Prolong the lease; False where it is no longer ours, or the job is being cancelled: stop then."""

    def suspect(self, lease: Lease, ordinal: int | None) -> None:
        """Write which picture a careful attempt is about to touch; None when it came through."""

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

        Embedded wins over an earlier failure, and counts whoever has the lease by now: the vector is stored. Failures
        count only while the lease is ours, or once the job is being cancelled: of a chunk that passed on, or was retried
        meanwhile, somebody else brings the outcome. `deferrals` stay in the chunk, which is then due at the
        latest of their times; so do pictures that are named in none of the three (due at once where
        there are no deferrals), so that a partial finish loses nothing. A chunk that keeps some keeps the attempts before
        this one too: where a worker died over it, it is done carefully to its end.

        `keep` holds on to the lease for the pictures that are left, and forgets all deaths over the chunk but one, since
        it moved: outcomes that are written on the way. `Lease.without` is the lease that goes on; deferrals wait for the end.
        """

    def release(self, lease: Lease, *, due: float | None = None) -> None:
        """Give the chunk back undone without counting the attempt; `due` (unix seconds) says not before."""

    # --- the sweeper's side --------------------------------------------------------------------
    def sweep(self, job: str, *, lost_before: float, limit: int = 1000) -> list[int]:
        """Chunks to send again, marked as queued from now.

        These are: leases that ran out, put-off chunks whose time has come, and chunks queued before
        `lost_before` (unix seconds, of the ledger's clock) whose message can no longer be in the queue.
        Also finishes a `cancelling` job without leases.
        """

    def queued_at(self, job: str, numbers: Sequence[int]) -> list[float | None]:
        """When each chunk was last queued (the ledger's clock); None for one that is not queued."""

    def attempts(self, job: str, numbers: Sequence[int]) -> list[int]:
        """How often each chunk was begun and neither finished nor given back: the workers that died over it, and who has it."""

    def clock(self) -> float:
        """The ledger's own time in unix seconds; hosts' clocks are not compared with each other."""

    # --- while the index of a bulk job's collection is built ------------------------------------
    def record_index_progress(self, job: str, *, indexed: int, points: int) -> float:
        """Write how far the collection of an `indexing` job is, and return how long that stood still, in seconds.

        Time in which nobody looked counts for `MAX_INDEX_CHECK_GAP` at most; 0.0 for a job in another state.
        """

    def complete(self, job: str) -> JobState:
        """Finish an `indexing` job: the index is built, or not waited for any longer. Others stay as they are."""

    # --- everybody's side ----------------------------------------------------------------------
    def active_jobs(self) -> list[str]:
        """Ids of jobs that are not finished."""

    def jobs(self, *, limit: int = 100, offset: int = 0) -> list[JobStatus]:
        """Jobs, newest first."""

    def status(self, job: str) -> JobStatus:
        """The counts of one job; raises `NotFound`."""

    def chunks_left(self, job: str) -> ChunksLeft:
        """Where the job's chunks are; none anywhere for a job that is finished or unknown."""

    def outcomes(self, minutes: int) -> list[MinuteOutcomes]:
        """What was recorded in each of the last minutes (at most `outcome_rate.KEPT_MINUTES`), the present one last.

        For people to look at: a minute may lack what was recorded while Redis went away. The counts of jobs never do.
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
        """Failures of a job by ordinal, streamed, those beyond the ordinal `after`; raises `NotFound`."""

    def problems(self, job: str) -> list[RejectedRow]:
        """The first rejected rows of a job (at most 1,000)."""

    def cancel(self, job: str) -> JobState:
        """Stop a job: queued chunks go at once, leased ones when they end.

        Raises `Conflict` where it is finished, or has nothing left to stop (`indexing`).
        """

    def retry(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
    ) -> list[int]:
        """Put the matching failures into new chunks and return their numbers (to be published).

        A failure that another retry takes at the same moment goes into one of the two's chunks only.
        Raises `Conflict` for a job that is open, cancelling or cancelled.
        """
