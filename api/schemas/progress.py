"""A job while it runs: its counts, where its chunks and pictures are, and how fast it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field

from api.eta import seconds_left
from api.schemas.jobs import STAGE_NAMES, JobOut
from vitrine.core.types import JobState, JobStatus
from vitrine.ledger import ChunksLeft


class ChunksOut(BaseModel):
    """Where the job's chunks of up to 64 pictures are that are not done."""

    queued: int = Field(description="Wait for a worker.")
    leased: int = Field(description="A worker has them: fetches, decodes, embeds, stores.")
    due: int = Field(description="Put off, as for a host that asked to be left alone.")


class InStagesOut(BaseModel):
    """How many of the job's pictures the workers have in each stage at this moment; they tell it every few seconds."""

    fetch: int = 0
    decode: int = 0
    embed: int = 0
    upsert: int = 0

    @classmethod
    def of(cls, in_stages: Mapping[str, int]) -> Self:
        """As the workers told it."""
        return cls(**{name: in_stages.get(stage, 0) for stage, name in STAGE_NAMES.items()})


class ProgressOut(BaseModel):
    """What each `progress` event carries, as JSON."""

    job: JobOut
    chunks: ChunksOut
    in_stages: InStagesOut
    rate: float | None = Field(
        description="Pictures a second over the last 20 s that were watched; null at first.",
        examples=[186.0],
    )
    seconds_left: float | None = Field(
        description="For what is pending at this rate; null where nobody can say, as while a job is open.",
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
        """As the ledger and the workers have it, at this rate."""
        known = rate if status.state is JobState.RUNNING else None
        return cls(
            job=JobOut.of(status), chunks=ChunksOut(**chunks._asdict()),
            in_stages=InStagesOut.of(in_stages),
            rate=None if rate is None else round(rate, 2),
            seconds_left=seconds_left(status.pending, known),
        )  # fmt: skip
