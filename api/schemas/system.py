"""Schemas of the service's state: workers, queues, and pictures processed per minute."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from api.schemas.base import when
from api.schemas.inventory import WorkerOut
from vitrine.ledger import MinuteOutcomes
from vitrine.messaging.broker import QueueDepth


class QueueOut(BaseModel):
    """The queues of a model."""

    model: str = Field(examples=["builtin"])
    workers: int = Field(description="Workers that are alive.")
    chunks: int = Field(description="Messages of up to 64 pictures that no worker has taken.")
    queries: int = Field(description="Queries that no worker has taken.")

    @classmethod
    def of(cls, depth: QueueDepth, workers: int) -> Self:
        """Build it from the broker's data."""
        return cls(model=depth.model, workers=workers, chunks=depth.chunks, queries=depth.queries)


class MinuteOut(BaseModel):
    """Outcomes recorded within one minute, over all jobs."""

    at: datetime = Field(description="Start of the minute, by Redis's clock.")
    embedded: int
    failed: int

    @classmethod
    def of(cls, minute: MinuteOutcomes) -> Self:
        """Build it from the ledger's data."""
        return cls(at=when(minute.at), embedded=minute.embedded, failed=minute.failed)


class SystemOut(BaseModel):
    """The current state of the service."""

    version: str = Field(examples=["0.1.0"])
    workers: list[WorkerOut] = Field(description="Workers that are alive, by node.")
    queues: list[QueueOut] = Field(
        description="One for each model that has workers or unfinished jobs, and for the API's default."
    )
    active_jobs: int
    pending_images: int = Field(description="Pictures without an outcome, over all jobs.")
    max_pending_images: int = Field(description="Above this limit, a submit is refused with 429.")
    minutes: list[MinuteOut] = Field(
        description="Oldest first; the last is the current, incomplete minute."
    )
    flower_url: str | None = Field(description="VITRINE_FLOWER_URL, if set.")
    grafana_url: str | None = Field(description="VITRINE_GRAFANA_URL, if set.")
