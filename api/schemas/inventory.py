"""Schemas of collections, workers and health checks."""

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
    points: int = Field(description="One per embedded picture.")
    indexed_fields: dict[str, str] = Field(
        examples=[{"price": "float", "colour": "keyword", "added": "datetime"}]
    )

    @classmethod
    def of(cls, info: CollectionInfo) -> Self:
        """Build it from the store's data."""
        return cls(
            name=info.name, generation=info.generation, space=SpaceOut.of(info.space),
            points=info.points, indexed_fields=dict(info.indexed_fields),
        )  # fmt: skip


class CollectionIndexOut(BaseModel):
    """State of the vector index. Searches are correct without it, only slower."""

    state: Literal["complete", "building", "deferred"] = Field(
        description="`deferred`: the index is built after the current bulk load."
    )
    indexed: int = Field(description="Pictures in the index; the others are compared one by one.")

    @classmethod
    def of(cls, index: IndexState) -> Self:
        """Build it from the store's index state."""
        if index.deferred:
            return cls(state="deferred", indexed=index.indexed)
        return cls(state="complete" if index.green else "building", indexed=index.indexed)


class StorageOut(BaseModel):
    """The size of a collection."""

    items: int = Field(description="Number of items; the store stops counting at a limit.")
    more_items: bool = Field(description="Whether there are more items than were counted.")
    vector_bytes: int = Field(
        description="Size of the vectors, estimated at 4 bytes per dimension."
    )
    disk_bytes: int | None = Field(
        description="Size of all files, index and write-ahead log included; null if the store is a server, which does"
        " not report it."
    )

    @classmethod
    def of(cls, info: CollectionInfo, found: Footprint) -> Self:
        """Build it from the store's data."""
        return cls(
            items=found.items, more_items=found.more_items, disk_bytes=found.disk_bytes,
            vector_bytes=info.points * info.space.dimension * FLOAT_BYTES,
        )  # fmt: skip


class LastJobOut(BaseModel):
    """The latest job of a collection."""

    id: str
    state: str
    created_at: datetime
    images: int
    embedded: int
    failed: int

    @classmethod
    def of(cls, status: JobStatus) -> Self:
        """Build it from the ledger's data."""
        return cls(
            id=status.spec.id, state=status.state.value, created_at=when(status.spec.created_at),
            images=status.images, embedded=status.embedded, failed=status.failed,
        )  # fmt: skip


class CollectionDetail(CollectionOut):
    """A catalog's collection with its size, index state and latest job."""

    storage: StorageOut
    index: CollectionIndexOut
    last_job: LastJobOut | None = Field(
        description="Null if none of the latest jobs wrote to this collection."
    )

    @classmethod
    def made_of(
        cls, info: CollectionInfo, footprint: Footprint, index: IndexState, job: JobStatus | None
    ) -> Self:
        """Build it from the data of the store and the ledger."""
        return cls(
            **CollectionOut.of(info).model_dump(), storage=StorageOut.of(info, footprint),
            index=CollectionIndexOut.of(index), last_job=LastJobOut.of(job) if job else None,
        )  # fmt: skip


class CollectionList(BaseModel):
    """Every collection, by name."""

    collections: list[CollectionOut]


class StoreAwayOut(BaseModel):
    """An outage of the store as one worker sees it; the worker takes no new chunks until it ends."""

    since: datetime = Field(description="Start of the outage, by the worker's clock.")
    why: str = Field(examples=["The store process answered 503 without a reason."])

    @classmethod
    def of(cls, away: StoreOutage) -> Self:
        """Build it from the worker's report."""
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
        description="Set while this worker cannot reach the store.",
    )

    @classmethod
    def of(cls, worker: WorkerInfo) -> Self:
        """Build it from the worker's registration."""
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
    """The process is alive."""

    status: str = Field(default="alive")


class Ready(BaseModel):
    """All parts respond, and the models still return the same canary vectors."""

    status: str = Field(examples=["ready"])
    checks: dict[str, str] = Field(
        examples=[{"ledger": "ok", "store": "ok", "model builtin": "ok"}]
    )
    notices: dict[str, str] = Field(
        default_factory=dict,
        description="Problems that hold up jobs but not searches: workers that cannot reach the store.",
        examples=[
            {"worker celery@host": "store unreachable since 2026-01-01T00:00:00Z: it answered 503"}
        ],
    )
