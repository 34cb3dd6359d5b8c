"""A job's failures, put together by reason and host."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from vitrine.core.types import Failure


class FailureGroup(BaseModel):
    """Pictures that failed for one reason at one host."""

    reason: str = Field(examples=["not_found"])
    host: str = Field(examples=["shop.example"], description="Empty for a URL that names none.")
    pictures: int
    transient: bool = Field(description="Whether trying again later can change the outcome.")
    url: str = Field(
        description="The first of them.", examples=["https://shop.example/1042/front.jpg"]
    )
    detail: str = Field(description="What was said of it.", examples=["The host answered 404."])

    @classmethod
    def of(cls, example: Failure, pictures: int) -> Self:
        """A group of so many, of which this is the first."""
        return cls(
            reason=example.reason.value, host=example.image.host, pictures=pictures,
            transient=example.reason.transient, url=example.image.url, detail=example.detail,
        )  # fmt: skip


class FailureSummary(BaseModel):
    """A job's failures by reason and host, the largest group first."""

    failed: int = Field(description="All failures of the job.")
    counted: int = Field(description="Those that the groups are made of: the first ones.")
    groups: list[FailureGroup]
    more_groups: int = Field(description="Groups that are left out, smaller than those returned.")
