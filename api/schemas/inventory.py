"""What there is: collections, workers, and whether all of it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

from api.schemas.base import SpaceOut, when
from vitrine.core.types import JobStatus
from vitrine.messaging.worker_registry import StoreOutage, WorkerInfo
from vitrine.store import CollectionInfo, Footprint, IndexState

FLOAT_BYTES = 4


class CollectionOut(BaseModel):
    """A catalog's collection."""

    name: str = Field(examples=["summer"])
    generation: str
    space: SpaceOut
    points: int = Field(description="One for each embedded picture.")
    indexed_fields: dict[str, str] = Field(examples=[{"price": "float", "colour": "keyword"}])

    @classmethod
    def of(cls, info: CollectionInfo) -> Self:
        """As the store has it."""
        return cls(
            name=info.name, generation=info.generation, space=SpaceOut.of(info.space),
            points=info.points, indexed_fields=dict(info.indexed_fields),
        )  # fmt: skip


class CollectionIndexOut(BaseModel):
    """How far the vector index is; searches are right at any moment, only slower without."""

    state: Literal["complete", "building", "deferred"] = Field(
        description="`deferred`: a bulk load is on, and it is built after."
    )
    indexed: int = Field(description="Pictures that it holds; the others are compared one by one.")

    @classmethod
    def of(cls, index: IndexState) -> Self:
        """As the store says."""
        if index.deferred:
            return cls(state="deferred", indexed=index.indexed)
        return cls(state="complete" if index.green else "building", indexed=index.indexed)


class StorageOut(BaseModel):
    """What a collection takes up."""

    items: int = Field(
        description="Different items among its pictures, as far as they are counted."
    )
    more_items: bool = Field(description="Whether there are more than were counted.")
    vector_bytes: int = Field(
        description="Of the vectors as they are compared, 4 bytes a dimension; reckoned."
    )
    disk_bytes: int | None = Field(
        description="Of all its files, index and write-ahead log included; null where the store is a server, which does"
        " not tell."
    )

    @classmethod
    def of(cls, info: CollectionInfo, found: Footprint) -> Self:
        """As the store has it."""
        return cls(
            items=found.items, more_items=found.more_items, disk_bytes=found.disk_bytes,
            vector_bytes=info.points * info.space.dimension * FLOAT_BYTES,
        )  # fmt: skip


class LastJobOut(BaseModel):
    """The latest job that was for a collection."""

    id: str
    state: str
    created_at: datetime
    images: int
    embedded: int
    failed: int

    @classmethod
    def of(cls, status: JobStatus) -> Self:
        """As the ledger has it."""
        return cls(
            id=status.spec.id, state=status.state.value, created_at=when(status.spec.created_at),
            images=status.images, embedded=status.embedded, failed=status.failed,
        )  # fmt: skip


class CollectionDetail(CollectionOut):
    """A catalog's collection with what takes a closer look."""

    storage: StorageOut
    index: CollectionIndexOut
    last_job: LastJobOut | None = Field(
        description="Null where none of the latest jobs was for it."
    )

    @classmethod
    def made_of(
        cls, info: CollectionInfo, footprint: Footprint, index: IndexState, job: JobStatus | None
    ) -> Self:
        """As store and ledger have it."""
        return cls(
            **CollectionOut.of(info).model_dump(), storage=StorageOut.of(info, footprint),
            index=CollectionIndexOut.of(index), last_job=LastJobOut.of(job) if job else None,
        )  # fmt: skip


class CollectionList(BaseModel):
    """Every collection, by name."""

    collections: list[CollectionOut]


class StoreAwayOut(BaseModel):
    """A worker can store nothing, and begins nothing until it can."""

    since: datetime = Field(description="By the worker's own clock.")
    why: str = Field(examples=["The store process answered 503 without saying why."])

    @classmethod
    def of(cls, away: StoreOutage) -> Self:
        """As the worker tells of it."""
        return cls(since=when(away.since), why=away.why)


class WorkerOut(BaseModel):
    """A worker that is alive."""

    node: str
    space: SpaceOut
    device: str = Field(examples=["cpu"])
    supports_text: bool
    started_at: datetime
    store_away: StoreAwayOut | None = Field(
        default=None,
        description="Since when the store does not answer this worker; null while it does.",
    )

    @classmethod
    def of(cls, worker: WorkerInfo) -> Self:
        """As it tells of itself."""
        away = worker.store_away
        return cls(
            node=worker.node, space=SpaceOut.of(worker.space), device=worker.device,
            supports_text=worker.supports_text, started_at=when(worker.started_at),
            store_away=StoreAwayOut.of(away) if away else None,
        )  # fmt: skip


class WorkerList(BaseModel):
    """The workers that are alive, by node."""

    workers: list[WorkerOut]


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(default="alive")


class Ready(BaseModel):
    """Everything answers, and the models give the vectors that they gave at first."""

    status: str = Field(examples=["ready"])
    checks: dict[str, str] = Field(
        examples=[{"ledger": "ok", "store": "ok", "model builtin": "ok"}]
    )
    notices: dict[str, str] = Field(
        default_factory=dict,
        description="What searches do without, but jobs wait for: workers whose store is away.",
        examples=[{"worker celery@host": "store away since 2026-01-01T00:00:00Z: it answered 503"}],
    )
