"""The values passed between the packages: small, frozen, with ids and URLs but never bytes.

A catalog row becomes a `CatalogItem`; each of its pictures becomes an `ImageRef` with an ordinal
that is unique within its job; 64 of them form a `Chunk`, the unit of work. Each picture has exactly
one outcome: a vector in the store, or a `Failure` with a `FailureReason`.
"""

from __future__ import annotations

import enum
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

SCHEMA_VERSION = 1
"""Version of the chunk message; a worker dead-letters messages of an unknown version."""

CHUNK_SIZE = 64
"""Pictures per chunk. One Celery message for 64 pictures costs 12 to 20 us per picture; one message each, 550 to 800 us."""

STAGES = ("fetch", "decode", "batch", "upsert")
"""The stages of a picture in a worker; `batch` is the wait for the device plus the time on it."""

PayloadValue: TypeAlias = str | int | float | bool | list[str] | list[float] | None
Payload: TypeAlias = Mapping[str, PayloadValue]

POINT_NAMESPACE = uuid.UUID("5b8e3f0a-6f52-5a0e-9d6e-1f4f7a3c2d10")
"""Namespace of the UUIDv5 point ids; changing it would orphan every stored point."""


class JobState(enum.StrEnum):
    """The state of a job.

    ::

        open ──seal──▶ running ──last outcome──▶ indexing ──built──▶ completed | completed_with_failures
          │               │ ▲                        │                   │
          └──cancel───────┤ └─────────retry──────────┴───────────────────┘
                          ▼
                      cancelling ──last lease ends──▶ cancelled

    Only a job that embedded enough pictures to need an index passes through `indexing`; any other is
    completed by its last outcome.
    """

    OPEN = "open"  #: The producer is still adding chunks; workers may already process some.
    RUNNING = "running"  #: Every chunk is in the ledger; some have no outcome yet.
    INDEXING = "indexing"
    """Every picture has its outcome and is searchable; the collection's vector index is being built."""
    COMPLETED = "completed"  #: Every picture is embedded.
    COMPLETED_WITH_FAILURES = (
        "completed_with_failures"  #: Every picture has an outcome, some failed.
    )
    CANCELLING = "cancelling"  #: No new chunk starts; leased ones are winding down.
    CANCELLED = "cancelled"  #: Pictures without an outcome at that time count as cancelled.
    LOST = "lost"
    """It was submitted but is no longer in the ledger: Redis lost its data. Derived from `vitrine.ledger.journal`, never
    written."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen without a new request."""
        return self in FINISHED_STATES


FINISHED_STATES = frozenset(
    {JobState.COMPLETED, JobState.COMPLETED_WITH_FAILURES, JobState.CANCELLED, JobState.LOST}
)


class FailureReason(enum.StrEnum):
    """The reason why a picture has no vector. `transient` reasons are retried; the others are final."""

    NOT_FOUND = "not_found"  #: The host returned 404 or 410, or the file does not exist.
    HTTP_ERROR = "http_error"  #: Another status that retrying will not change (401, 403, …).
    SERVER_ERROR = "server_error"  #: The host returned 5xx on every attempt.
    RATE_LIMITED = "rate_limited"  #: The host returned 429 on every attempt.
    TIMEOUT = "timeout"  #: The picture did not arrive within its total deadline.
    CONNECTION_FAILED = (
        "connection_failed"  #: No connection, name not resolved, or connection lost.
    )
    BAD_URL = "bad_url"  #: Not a fetchable http(s) URL.
    FORBIDDEN_ADDRESS = "forbidden_address"  #: The URL leads to an address that is not public.
    TOO_MANY_REDIRECTS = "too_many_redirects"  #: Too many redirects, or a redirect loop.
    TOO_LARGE = "too_large"  #: More bytes than the limit.
    NOT_AN_IMAGE = "not_an_image"  #: Not an accepted image format.
    TRUNCATED = "truncated"  #: The image data ends too early.
    CORRUPT = "corrupt"  #: Damaged image.
    TOO_MANY_PIXELS = (
        "too_many_pixels"  #: Width times height over the limit, checked before decoding.
    )
    BAD_VECTOR = "bad_vector"  #: The model returned a zero or non-finite vector.
    MODEL_ERROR = "model_error"  #: The model raised on this picture, even alone.
    OUT_OF_MEMORY = "out_of_memory"  #: The device ran out of memory on this picture, even alone.
    CRASHED_WORKER = "crashed_worker"  #: Three workers died on this picture.
    STORE_REJECTED = "store_rejected"  #: The store refused this point permanently.

    @property
    def transient(self) -> bool:
        """Whether a later retry can change the outcome."""
        return self in _TRANSIENT


_TRANSIENT = frozenset(
    {
        FailureReason.SERVER_ERROR,
        FailureReason.RATE_LIMITED,
        FailureReason.TIMEOUT,
        FailureReason.CONNECTION_FAILED,
    }
)


class ItemFailure(Exception):
    """Raised inside the worker when one picture fails; it never leaves that picture's processing."""

    def __init__(
        self, reason: FailureReason, detail: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
        """Seconds that the host asked to wait (its Retry-After), if it sent any."""


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """One valid row of a catalog: an item, its pictures in order, and its typed payload."""

    id: str
    images: tuple[str, ...]
    payload: Payload = field(default_factory=dict)
    rows: int = 1  #: Rows of the catalog that it was made of.


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """The reason why a row, or the whole file, was rejected: its position and what was expected there."""

    source: str  #: The file's name as the user gave it, or `stdin`.
    line: int | None  #: First line of the row, counted from 1; None if it concerns the whole file.
    field: str | None
    message: str
    code: str = "malformed_row"

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        what = f" [{self.field}]" if self.field else ""
        return f"{where}{what}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture of one item, as stored in a chunk."""

    ordinal: int  #: Its bit in the job's bitmaps; unique within the job, never reused.
    item_id: str
    index: int  #: Position among the item's pictures, from 0.
    url: str
    payload: Payload = field(default_factory=dict)
    rounds: int = 0  #: How often it was already deferred.

    @property
    def host(self) -> str:
        """The URL's host, for limits and for `retry --host`; empty for files."""
        try:
            return (urlsplit(self.url).hostname or "").lower()
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of work: one message, one lease, one upsert."""

    job: str
    number: int
    images: tuple[ImageRef, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture without a vector, as the ledger stores it and `vitrine failures` lists it."""

    image: ImageRef
    reason: FailureReason
    detail: str
    attempts: int = 1
    failed_at: float = 0.0  #: Unix seconds.


@dataclass(frozen=True, slots=True)
class JobSpec:
    """The definition of a job, fixed when it is created."""

    id: str
    collection: str
    model: str  #: Canonical name, see `model_name`.
    source: str = ""
    created_at: float = 0.0  #: Unix seconds.
    asked_model: str = ""
    """The model as the user named it (a hub id, a directory); workers for it are started with this."""
    file_root: str | None = None
    """Folder below which `file:` URLs of this job may be read: the catalog's own for the command line, over HTTP only an unpacked zip of pictures."""
    reading: str = ""
    """How its catalog is read, as JSON, so that a resume reads it the same way; empty for a job that cannot be resumed."""


class StageTotal(NamedTuple):
    """The number of pictures that passed a stage, and the sum of their seconds in it."""

    pictures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The counts of a job at one moment. `embedded + failed + cancelled + pending == images`."""

    spec: JobSpec
    state: JobState
    items: int
    images: int
    embedded: int
    failed: int
    cancelled: int
    rejected_rows: int
    failed_by_reason: Mapping[str, int]
    fed_at: float  #: Unix seconds when its producer last added to it (the ledger's clock).
    updated_at: float  #: Unix seconds of the last change.
    finished_at: float | None
    indexed: int = (
        0  #: Points of its collection in the vector index, as last seen while `indexing`.
    )
    points: int = 0  #: Points of its collection, as last seen; 0 before the first look.
    stages: Mapping[str, StageTotal] = field(default_factory=dict)
    """Totals of finished chunks by the names of `STAGES`; a picture that was retried counts again."""
    rejected_by_code: Mapping[str, int] = field(default_factory=dict)
    """Rejected rows by code. Empty for a job that an earlier version, which did not count them by code, has written."""
    broken_off: RejectedRow | None = None
    """Where the catalog broke off: rows after it are missing. None if it was read to its end."""

    @property
    def pending(self) -> int:
        """Pictures that have no outcome yet."""
        return self.images - self.embedded - self.failed - self.cancelled


def new_job_id() -> str:
    """Return a random job id without order or meaning: 12 hex digits (48 random bits)."""
    return uuid.uuid4().hex[:12]


def point_id(collection: str, item_id: str, index: int) -> str:
    """Return the id of a picture's point: always the same for the same collection, item and position.

    Keyed by position rather than by URL: signed or versioned URLs change with every export and
    would leave a stale point behind each time.
    """
    return str(uuid.uuid5(POINT_NAMESPACE, f"{collection}\x1f{item_id}\x1f{index}"))


_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def is_collection_name(name: str) -> bool:
    """Whether a name has 1 to 63 lowercase letters, digits, `-` and `_`, and starts with a letter or digit."""
    return _NAME.fullmatch(name) is not None


def model_name(model: str) -> str:
    """Return the canonical name of a model, used by its queues and collections.

    A directory is named by its last part, a hub id by its parts joined with `--`, so the producer and
    the worker agree even if they see different paths.
    """
    expanded = os.path.expanduser(model)
    if model.startswith(("/", "./", "../", "~")) or os.path.isdir(expanded):
        name = os.path.basename(os.path.abspath(expanded))
    else:
        name = model.strip("/").replace("/", "--")
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name).lower() or "model"
