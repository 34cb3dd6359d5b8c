"""The values that flow between the packages: small, frozen, made of ids and URLs, never of bytes.

A catalog row becomes a `CatalogItem`; each of its pictures becomes an `ImageRef` with an ordinal
that is unique within its job; 64 of them make a `Chunk`, the unit of work; and each ends in exactly
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
"""Version of the chunk message; a worker parks messages of a version that it does not know."""

CHUNK_SIZE = 64
"""Pictures a chunk: one Celery message for 64 pictures costs 12 to 20 us each, a message for each 550 to 800."""

STAGES = ("fetch", "decode", "batch", "upsert")
"""What a picture passes in a worker: `batch` is the wait for the device and the time on it."""

PayloadValue: TypeAlias = str | int | float | bool | list[str] | list[float] | None
Payload: TypeAlias = Mapping[str, PayloadValue]

POINT_NAMESPACE = uuid.UUID("5b8e3f0a-6f52-5a0e-9d6e-1f4f7a3c2d10")
"""Namespace of the UUIDv5 point ids; changing it would orphan every stored point."""


class JobState(enum.StrEnum):
    """Where a job stands.

    ::

        open ──seal──▶ running ──last outcome──▶ indexing ──built──▶ completed | completed_with_failures
          │               │ ▲                        │                   │
          └──cancel───────┤ └─────────retry──────────┴───────────────────┘
                          ▼
                      cancelling ──last lease ends──▶ cancelled

    Only a job that embedded enough for an index to matter passes through `indexing`; the last outcome of
    any other completes it.
    """

    OPEN = "open"  #: The producer is still adding chunks; workers may already be at it.
    RUNNING = "running"  #: Every chunk is in the ledger; some have no outcome yet.
    INDEXING = "indexing"
    """Every picture has its outcome and can be found; the collection's vector index is being built."""
    COMPLETED = "completed"  #: Every picture is embedded.
    COMPLETED_WITH_FAILURES = (
        "completed_with_failures"  #: Every picture has an outcome, some failed.
    )
    CANCELLING = "cancelling"  #: No new chunk starts; leased ones are winding down.
    CANCELLED = "cancelled"  #: What had no outcome when the cancel came is counted as cancelled.
    LOST = "lost"
    """It was submitted and is in no ledger any more: Redis lost its data. Told from `vitrine.ledger.journal`, never written."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self in FINISHED_STATES


FINISHED_STATES = frozenset(
    {JobState.COMPLETED, JobState.COMPLETED_WITH_FAILURES, JobState.CANCELLED, JobState.LOST}
)


class FailureReason(enum.StrEnum):
    """Why a picture has no vector. `transient` reasons are tried again; the others are final."""

    NOT_FOUND = "not_found"  #: The host answered 404 or 410, or the file is not there.
    HTTP_ERROR = "http_error"  #: Another answer that will not change by asking again (401, 403, …).
    SERVER_ERROR = "server_error"  #: The host answered 5xx each time.
    RATE_LIMITED = "rate_limited"  #: The host answered 429 each time.
    TIMEOUT = "timeout"  #: The picture did not arrive within its total deadline.
    CONNECTION_FAILED = (
        "connection_failed"  #: No connection, name not resolved, or cut in the middle.
    )
    BAD_URL = "bad_url"  #: Not an http(s) URL that may be asked for.
    FORBIDDEN_ADDRESS = "forbidden_address"  #: The URL leads to an address that is not public.
    TOO_MANY_REDIRECTS = "too_many_redirects"  #: Too many redirects, or a redirect loop.
    TOO_LARGE = "too_large"  #: More bytes than the limit.
    NOT_AN_IMAGE = "not_an_image"  #: Not an accepted image format.
    TRUNCATED = "truncated"  #: A picture that ends too early.
    CORRUPT = "corrupt"  #: Damaged image.
    TOO_MANY_PIXELS = (
        "too_many_pixels"  #: Width times height over the limit, checked before decoding.
    )
    BAD_VECTOR = "bad_vector"  #: The model gave a zero or non-finite vector.
    MODEL_ERROR = "model_error"  #: The model raised on this picture, even alone.
    OUT_OF_MEMORY = "out_of_memory"  #: The device had no memory for this picture, even alone.
    CRASHED_WORKER = "crashed_worker"  #: Three workers died on this picture.
    STORE_REJECTED = "store_rejected"  #: The store refuses this point for good.

    @property
    def transient(self) -> bool:
        """Whether asking again later can change the outcome."""
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
    """Raised inside the worker when one picture fails; it never leaves that picture's own walk."""

    def __init__(
        self, reason: FailureReason, detail: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after
        """Seconds that the host asked to be left alone (its Retry-After), where it said so."""


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """One good row of a catalog: an item, its pictures in order, and its typed payload."""

    id: str
    images: tuple[str, ...]
    payload: Payload = field(default_factory=dict)
    rows: int = 1  #: Rows of the catalog that it was made of.


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Why a row, or the whole file, was not taken: where it stands and what was expected there."""

    source: str  #: The file's name as the user gave it, or `stdin`.
    line: (
        int | None
    )  #: First line of the row, counted from 1; None where the file as a whole is meant.
    field: str | None
    message: str
    code: str = "malformed_row"

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        what = f" [{self.field}]" if self.field else ""
        return f"{where}{what}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture of one item, as a chunk carries it."""

    ordinal: int  #: Its bit in the job's bitmaps; unique within the job, never reused.
    item_id: str
    index: int  #: Which of the item's pictures, from 0.
    url: str
    payload: Payload = field(default_factory=dict)
    rounds: int = 0  #: How often it was put off until later already.

    @property
    def host(self) -> str:
        """The host part of the URL, for limits and for `retry --host`; empty for files."""
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
    """A picture without a vector, as the ledger keeps it and `vitrine failures` lists it."""

    image: ImageRef
    reason: FailureReason
    detail: str
    attempts: int = 1
    failed_at: float = 0.0  #: Unix seconds.


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job is, fixed when it is made."""

    id: str
    collection: str
    model: str  #: Canonical name, see `model_name`.
    source: str = ""
    created_at: float = 0.0  #: Unix seconds.
    asked_model: str = ""
    """The model as it was asked for (a hub id, a directory): what a worker for it is started with."""
    file_root: str | None = None
    """Folder under which `file:` URLs of this job may be read; set by the command line only, never over HTTP."""
    reading: str = ""
    """How its catalog is read, as JSON, so that a resume reads it likewise; empty for a job that cannot be resumed."""


class StageTotal(NamedTuple):
    """Pictures that have been in a stage, and the seconds that each of them was in it, added up."""

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
    points: int = 0  #: Points of its collection, likewise; 0 where nobody looked yet.
    stages: Mapping[str, StageTotal] = field(default_factory=dict)
    """By the names of `STAGES`: of the chunks that were finished; a picture that was tried again counts again."""

    @property
    def pending(self) -> int:
        """Pictures that have no outcome yet."""
        return self.images - self.embedded - self.failed - self.cancelled


def new_job_id() -> str:
    """A job id that sorts by nothing and says nothing: 12 hex digits (48 random bits)."""
    return uuid.uuid4().hex[:12]


def point_id(collection: str, item_id: str, index: int) -> str:
    """The id of a picture's point: the same catalog, item and position always meet the same point.

    Keyed by position rather than by URL: signed or versioned URLs change with every export, and
    would otherwise leave a stale point behind each time.
    """
    return str(uuid.uuid5(POINT_NAMESPACE, f"{collection}\x1f{item_id}\x1f{index}"))


_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def is_collection_name(name: str) -> bool:
    """Whether a name is lowercase letters, digits, `-` and `_`, at most 63, starting with neither."""
    return _NAME.fullmatch(name) is not None


def model_name(model: str) -> str:
    """The canonical name of a model, which its queues and collections carry.

    A directory is named by its last part, a hub id by its parts joined with `--`; so the producer and
    the worker agree although they may see different paths.
    """
    expanded = os.path.expanduser(model)
    if model.startswith(("/", "./", "../", "~")) or os.path.isdir(expanded):
        name = os.path.basename(os.path.abspath(expanded))
    else:
        name = model.strip("/").replace("/", "--")
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name).lower() or "model"
