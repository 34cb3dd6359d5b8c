"""Schemas of jobs: submissions, status, failures and rejected rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from pydantic import AliasChoices, BaseModel, Field

from api.schemas.base import Shape, when
from api.schemas.reading import ReadingIn
from producer.limits import MAX_IMAGES_PER_ITEM
from vitrine.core.types import (
    STAGES,
    Failure,
    FailureReason,
    JobState,
    JobStatus,
    RejectedRow,
    StageTotal,
)
from vitrine.ledger.journal import lost_job_notice

MAX_ITEMS = 10_000
"""Items of one JSON job; larger catalogs are uploaded as a file."""
StageName: TypeAlias = Literal["fetch", "decode", "embed", "upsert"]
STAGE_NAMES: Mapping[str, StageName] = {
    "fetch": "fetch", "decode": "decode", "batch": "embed", "upsert": "upsert",
}  # fmt: skip
"""The workers' names of the stages, mapped to the names shown to users."""
SHOWN_PROBLEMS = 20
"""Rejected rows in the response to a submission; `/problems` has the rest."""


class ItemIn(Shape):
    """One item of a catalog."""

    id: str = Field(examples=["sku-1042"])
    images: list[str] = Field(
        description=f"1 to {MAX_IMAGES_PER_ITEM} http(s) URLs, the main picture first.",
        examples=[["https://shop.example/1042/front.jpg"]],
    )
    fields: dict[str, Any] = Field(
        default_factory=dict,
        validation_alias=AliasChoices("fields", "payload"),
        description="Text, numbers, booleans and lists of text, for filters and hits. "
        "Also accepted as `payload`.",
        examples=[{"title": "Striped shirt", "price": 29.5}],
    )


class JobIn(Shape):
    """A job as JSON. A catalog of more than 10,000 items is uploaded as a file instead."""

    collection: str = Field(
        max_length=255, description="Lowercase letters, digits, `-` and `_`.", examples=["summer"]
    )
    model: str | None = Field(
        default=None,
        max_length=256,
        description="Default: the collection's model, or the API's default model for a new collection.",
        examples=["builtin"],
    )
    items: list[ItemIn] = Field(min_length=1, max_length=MAX_ITEMS)
    strict: bool = Field(default=False, description="Refuse the whole job if any item is invalid.")


class UploadIn(ReadingIn):
    """The text fields sent with an uploaded catalog `file`."""

    collection: str = Field(max_length=255, examples=["summer"])
    model: str | None = Field(default=None, max_length=256)
    strict: bool = Field(default=False, description="Refuse the file if any row is invalid.")


class RetryIn(Shape):
    """The failures to retry; without any field, all of them."""

    reason: FailureReason | None = Field(default=None, examples=["timeout"])
    host: str | None = Field(default=None, max_length=255, examples=["cdn.shop.example"])
    items: list[str] | None = Field(default=None, min_length=1, max_length=MAX_ITEMS)


class ProblemRow(BaseModel):
    """A rejected row."""

    source: str = Field(examples=["catalog.csv"])
    line: int | None = Field(examples=[17])
    field: str | None = Field(examples=["id"])
    message: str = Field(examples=["The id is empty."])
    code: str = Field(examples=["malformed_row"])

    @classmethod
    def of(cls, row: RejectedRow) -> Self:
        """Build it from the ledger's data."""
        return cls(
            source=row.source, line=row.line, field=row.field, message=row.message, code=row.code
        )


class IndexOut(BaseModel):
    """Progress of the vector index of a job's collection. Until it is complete, searches are slower but still find all points."""

    indexed: int = Field(examples=[12_000])
    points: int = Field(examples=[50_000], description="0 until it is first checked.")


class StageOut(BaseModel):
    """The time a job's pictures took in one stage of the workers, over its finished chunks."""

    name: StageName = Field(
        description="`fetch` starts when a fetch slot is free and includes the wait in the host's queue; `decode`"
        " includes the wait for a core; `embed` the wait for the device; `upsert` covers the whole chunk."
    )
    pictures: int = Field(description="A retried picture counts again.", examples=[714])
    mean_ms: float = Field(
        description="Mean time per picture; many are processed in parallel.", examples=[38.2]
    )

    @classmethod
    def each(cls, stages: Mapping[str, StageTotal]) -> list[Self]:
        """Build them from the ledger's totals, in the order in which a picture passes them."""
        return [
            cls(
                name=STAGE_NAMES[stage], pictures=stages[stage].pictures,
                mean_ms=round(1000 * stages[stage].seconds / stages[stage].pictures, 3),
            )
            for stage in STAGES
            if stage in stages
        ]  # fmt: skip


class JobOut(BaseModel):
    """A job and its counts: `embedded + failed + cancelled + pending == images`.

    Its state is one of `open`, `running`, `indexing`, `completed`, `completed_with_failures`, `cancelling`,
    `cancelled` and `lost`. A large job is `indexing` after every picture has its outcome and until its collection's
    index is built. A job is `lost` if Redis lost its data before the job was due to be deleted: its counts are then 0,
    and `notice` says what to do.
    """

    id: str = Field(examples=["3f2a9c04d1be"])
    collection: str = Field(examples=["summer"])
    model: str = Field(examples=["builtin"])
    source: str = Field(examples=["catalog.csv"])
    state: str = Field(examples=["running"])
    finished: bool
    items: int
    images: int
    embedded: int
    failed: int
    cancelled: int
    pending: int
    index: IndexOut | None = Field(description="Set while the job is `indexing`.")
    rejected_rows: int
    rejected_by_code: dict[str, int] = Field(
        description="Empty for a job written by a version that did not count by code.",
        examples=[{"bad_url": 2}],
    )
    broken_off: ProblemRow | None = Field(
        description="Where the catalog broke off: the rows after it are missing. Null if it was read to its end."
    )
    failed_by_reason: dict[str, int] = Field(examples=[{"not_found": 3}])
    stages: list[StageOut] = Field(description="Time spent in each stage.")
    created_at: datetime
    fed_at: datetime = Field(description="When the producer last added to the job.")
    updated_at: datetime
    finished_at: datetime | None
    notice: str | None = Field(description="What to do if the job is `lost`.")

    @classmethod
    def of(cls, status: JobStatus) -> Self:
        """Build it from the ledger's data."""
        spec = status.spec
        return cls(
            id=spec.id, collection=spec.collection, model=spec.model, source=spec.source,
            state=status.state.value, finished=status.state.finished, items=status.items,
            images=status.images, embedded=status.embedded, failed=status.failed,
            cancelled=status.cancelled, pending=status.pending,
            index=IndexOut(indexed=status.indexed, points=status.points)
            if status.state is JobState.INDEXING else None,
            rejected_rows=status.rejected_rows, rejected_by_code=dict(status.rejected_by_code),
            broken_off=None if status.broken_off is None else ProblemRow.of(status.broken_off),
            failed_by_reason=dict(status.failed_by_reason),
            stages=StageOut.each(status.stages),
            created_at=when(spec.created_at), fed_at=when(status.fed_at),
            updated_at=when(status.updated_at),
            finished_at=None if status.finished_at is None else when(status.finished_at),
            notice=lost_job_notice(spec) if status.state is JobState.LOST else None,
        )  # fmt: skip


class JobAccepted(BaseModel):
    """An accepted job; it is processed in the background."""

    job: JobOut
    problems: list[ProblemRow] = Field(
        description=f"The first {SHOWN_PROBLEMS} rejected rows, and the place where the file broke off."
    )
    warnings: list[str] = Field(examples=[["No worker for the model builtin is running yet."]])


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobOut]
    next_offset: int | None = Field(description="Null on the last page.")


class FailureOut(BaseModel):
    """A picture without a vector."""

    item_id: str = Field(examples=["sku-1042"])
    image_index: int
    url: str = Field(examples=["https://shop.example/1042/front.jpg"])
    host: str = Field(examples=["shop.example"])
    reason: str = Field(examples=["not_found"])
    detail: str = Field(examples=["The host answered 404."])
    attempts: int
    failed_at: datetime

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Build it from the ledger's data."""
        image = failure.image
        return cls(
            item_id=image.item_id, image_index=image.index, url=image.url, host=image.host,
            reason=failure.reason.value, detail=failure.detail, attempts=failure.attempts,
            failed_at=when(failure.failed_at),
        )  # fmt: skip


class FailurePage(BaseModel):
    """Failures of a job, in the catalog's order."""

    failures: list[FailureOut]
    next_after: int | None = Field(description="`after` of the next page; null on the last one.")


class ProblemList(BaseModel):
    """Rejected rows of a job; the first 1,000 are kept, and the place where its file broke off."""

    rejected_rows: int
    problems: list[ProblemRow]


class Retried(BaseModel):
    """The result of a retry."""

    job: JobOut
    images: int = Field(description="Pictures that will be retried.")
