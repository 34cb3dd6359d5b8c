"""Schemas of RunPod's API: requests, and their states."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from vitrine.tickets import TicketState


class Policy(BaseModel):
    """Limits on a request's execution and lifetime, in milliseconds, and its priority."""

    model_config = ConfigDict(frozen=True, strict=True)

    execution_timeout: int = Field(
        default=600_000, ge=5_000, le=604_800_000, alias="executionTimeout"
    )
    low_priority: bool = Field(default=False, alias="lowPriority")
    ttl: int = Field(default=86_400_000, ge=10_000, le=604_800_000)


def _no_webhook(given: object) -> object:
    if given is not None:
        raise ValueError("webhooks are not called; poll the request's status")
    return given


class RunIn(BaseModel):
    """A request. `input` is validated when the request runs: an invalid one ends as FAILED, with the reason as its error."""

    model_config = ConfigDict(frozen=True, strict=True)

    input: dict[str, JsonValue] = Field(
        min_length=1, examples=[{"images": ["https://shop.example/1042/front.jpg"]}]
    )
    policy: Policy = Policy()
    webhook: Annotated[None, BeforeValidator(_no_webhook)] = Field(
        default=None, description="Not supported; poll `/status` instead."
    )


class RunOut(BaseModel):
    """A request and its current state."""

    id: str
    status: TicketState
    output: dict[str, Any] | None = None
    error: str | None = None
    delay_time: int | None = Field(
        default=None, alias="delayTime", description="Milliseconds in the queue."
    )
    execution_time: int | None = Field(
        default=None, alias="executionTime", description="Milliseconds of work."
    )


class PurgeOut(BaseModel):
    """The result of emptying the queue."""

    removed: int
    status: str = "completed"


class JobsOut(BaseModel):
    """Counts of a model's requests, by state."""

    completed: int
    failed: int
    in_progress: int = Field(alias="inProgress")
    in_queue: int = Field(alias="inQueue")
    retried: int


class WorkersOut(BaseModel):
    """A model's workers; `running` is estimated as the number of requests in progress."""

    idle: int
    initializing: int = 0
    ready: int
    running: int
    throttled: int = 0
    unhealthy: int = 0


class HealthOut(BaseModel):
    """An endpoint's requests and workers."""

    jobs: JobsOut
    workers: WorkersOut
