"""What all shapes share: strictness, times, the embedding space and the form of an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from vitrine.store import EmbeddingSpace


def when(seconds: float) -> datetime:
    """Unix seconds as a time with its zone."""
    return datetime.fromtimestamp(seconds, UTC)


class Shape(BaseModel):
    """What all bodies share: no unknown field, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class SpaceOut(BaseModel):
    """An embedding space: vectors are comparable only within one."""

    model: str = Field(examples=["builtin"])
    revision: str
    policy: str = Field(description="Version of the image policy.")
    dimension: int

    @classmethod
    def of(cls, space: EmbeddingSpace) -> Self:
        """As the store has it."""
        return cls(
            model=space.model, revision=space.revision, policy=space.policy,
            dimension=space.dimension,
        )  # fmt: skip


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(examples=["items[3].images"])
    message: str


class Problem(BaseModel):
    """Any answer that is no success (RFC 9457)."""

    type: str = Field(examples=["urn:vitrine:problem:not_found"])
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; meant for programs.")
    hint: str | None = Field(default=None, description="What to do about it.")
    instance: str | None = Field(
        default=None, description="For a 500: what to look for in the log."
    )
    errors: list[FieldError] | None = Field(default=None, description="For a 422: field by field.")
