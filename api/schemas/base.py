"""Parts shared by all schemas: strictness, times, the embedding space and the error format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from vitrine.store import EmbeddingSpace


def when(seconds: float) -> datetime:
    """Return Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


class Shape(BaseModel):
    """Base of all request bodies: rejects unknown fields, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class SpaceOut(BaseModel):
    """An embedding space: vectors are comparable only within one."""

    model: str = Field(examples=["builtin"])
    revision: str
    policy: str = Field(description="Version of the image policy.")
    dimension: int

    @classmethod
    def of(cls, space: EmbeddingSpace) -> Self:
        """Build it from the store's data."""
        return cls(
            model=space.model, revision=space.revision, policy=space.policy,
            dimension=space.dimension,
        )  # fmt: skip


class FieldError(BaseModel):
    """An error in one field."""

    field: str = Field(examples=["items[3].images"])
    message: str


class Problem(BaseModel):
    """An error response (RFC 9457)."""

    type: str = Field(examples=["urn:vitrine:problem:not_found"])
    title: str
    status: int
    detail: str
    code: str = Field(description="A stable code for programs.")
    hint: str | None = Field(default=None, description="How to fix it.")
    instance: str | None = Field(
        default=None, description="For a 500: the id to search for in the log."
    )
    errors: list[FieldError] | None = Field(
        default=None, description="For a 422: the error of each field."
    )
