"""Schemas of a job's failures, grouped by reason and host."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from vitrine.core.types import Failure


class FailureGroup(BaseModel):
    """Pictures that failed for the same reason at the same host."""

    reason: str = Field(examples=["not_found"])
    host: str = Field(examples=["shop.example"], description="Empty for a URL without a host.")
    pictures: int
    transient: bool = Field(description="Whether a later retry can succeed.")
    url: str = Field(
        description="URL of the first one.", examples=["https://shop.example/1042/front.jpg"]
    )
    detail: str = Field(description="Its error message.", examples=["The host answered 404."])

    @classmethod
    def of(cls, example: Failure, pictures: int) -> Self:
        """Build a group of `pictures` failures, of which `example` is the first."""
        return cls(
            reason=example.reason.value, host=example.image.host, pictures=pictures,
            transient=example.reason.transient, url=example.image.url, detail=example.detail,
        )  # fmt: skip


class FailureSummary(BaseModel):
    """A job's failures by reason and host, the largest group first."""

    failed: int = Field(description="All failures of the job.")
    counted: int = Field(description="Failures included in the groups: the first ones.")
    groups: list[FailureGroup]
    more_groups: int = Field(description="Number of smaller groups left out.")
