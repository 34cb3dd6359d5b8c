"""Schemas of a running job: its counts, the state of its chunks and pictures, and its speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field

from api.eta import seconds_left
from api.schemas.jobs import STAGE_NAMES, JobOut
from vitrine.core.types import JobState, JobStatus
from vitrine.ledger import ChunksLeft


class ChunksOut(BaseModel):
    """The job's unfinished chunks of up to 64 pictures, by state."""

    queued: int = Field(description="Waiting for a worker.")
    leased: int = Field(
        description="Taken by a worker that fetches, decodes, embeds and stores them."
    )
    due: int = Field(description="Deferred, for example because a host rate-limited us.")


class InStagesOut(BaseModel):
    """The job's pictures currently in each stage of the workers, which report it every few seconds."""

    fetch: int = 0
    decode: int = 0
    embed: int = 0
    upsert: int = 0

    @classmethod
    def of(cls, in_stages: Mapping[str, int]) -> Self:
        """Build it from the workers' reports."""
        return cls(**{name: in_stages.get(stage, 0) for stage, name in STAGE_NAMES.items()})


class ProgressOut(BaseModel):
    """The JSON data of a `progress` event."""

    job: JobOut
    chunks: ChunksOut
    in_stages: InStagesOut
    rate: float | None = Field(
        description="Pictures per second over the last 20 s watched; null at first.",
        examples=[186.0],
    )
    seconds_left: float | None = Field(
        description="Time for the pending pictures at this rate; null if unknown, for example while a job is open.",
        examples=[42.5],
    )

    @classmethod
    def of(
        cls,
        status: JobStatus,
        chunks: ChunksLeft,
        rate: float | None,
        in_stages: Mapping[str, int],
    ) -> Self:
        """Build it from the data of the ledger and the workers, and the rate."""
        known = rate if status.state is JobState.RUNNING else None
        return cls(
            job=JobOut.of(status), chunks=ChunksOut(**chunks._asdict()),
            in_stages=InStagesOut.of(in_stages),
            rate=None if rate is None else round(rate, 2),
            seconds_left=seconds_left(status.pending, known),
        )  # fmt: skip
