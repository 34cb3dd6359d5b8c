"""What there is: collections, workers, and whether all of it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from api.schemas.base import SpaceOut, when
from vitrine.presence import StoreAway, WorkerInfo
from vitrine.vectors import CollectionInfo


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


class CollectionList(BaseModel):
    """Every collection, by name."""

    collections: list[CollectionOut]


class StoreAwayOut(BaseModel):
    """A worker can store nothing, and begins nothing until it can."""

    since: datetime = Field(description="By the worker's own clock.")
    why: str = Field(examples=["The store process answered 503 without saying why."])

    @classmethod
    def of(cls, away: StoreAway) -> Self:
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
