"""The service as a whole: who works, what waits, and how much was done."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from api.schemas.base import when
from api.schemas.inventory import WorkerOut
from vitrine.ledger import MinuteOutcomes
from vitrine.messaging.broker import QueueDepth


class QueueOut(BaseModel):
    """What waits for a model."""

    model: str = Field(examples=["builtin"])
    workers: int = Field(description="Alive now.")
    chunks: int = Field(description="Messages of up to 64 pictures that no worker has taken.")
    queries: int = Field(description="Questions that no worker has taken.")

    @classmethod
    def of(cls, depth: QueueDepth, workers: int) -> Self:
        """As the broker has it."""
        return cls(model=depth.model, workers=workers, chunks=depth.chunks, queries=depth.queries)


class MinuteOut(BaseModel):
    """Outcomes that were recorded within a minute, those of all jobs."""

    at: datetime = Field(description="Its beginning, by Redis's clock.")
    embedded: int
    failed: int

    @classmethod
    def of(cls, minute: MinuteOutcomes) -> Self:
        """As the ledger has it."""
        return cls(at=when(minute.at), embedded=minute.embedded, failed=minute.failed)


class SystemOut(BaseModel):
    """The service at this moment."""

    version: str = Field(examples=["0.1.0"])
    workers: list[WorkerOut] = Field(description="Those that are alive, by node.")
    queues: list[QueueOut] = Field(
        description="Of each model that has workers or unfinished jobs, and of the API's default."
    )
    active_jobs: int
    pending_images: int = Field(description="Pictures of all jobs without an outcome.")
    max_pending_images: int = Field(description="Past it a submit is answered 429.")
    minutes: list[MinuteOut] = Field(description="The present one last; it is not over.")
    flower_url: str | None = Field(description="VITRINE_FLOWER_URL, where it is set.")
    grafana_url: str | None = Field(description="VITRINE_GRAFANA_URL, where it is set.")
