"""Jobs: what is submitted, what is told of them, and what failed in them."""

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
"""By the workers' own names, as people know them."""
SHOWN_PROBLEMS = 20
"""Rejected rows in the answer to a submission; `/problems` has the others."""


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
        description="Text, numbers, booleans, lists of text: what filters and hits will show. "
        "`payload` is taken for the same.",
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
        description="Left out: the collection's own, or the API's default for a new collection.",
        examples=["builtin"],
    )
    items: list[ItemIn] = Field(min_length=1, max_length=MAX_ITEMS)
    strict: bool = Field(default=False, description="Refuse the whole for one bad item.")


class UploadIn(ReadingIn):
    """The text fields beside an uploaded catalog `file`."""

    collection: str = Field(max_length=255, examples=["summer"])
    model: str | None = Field(default=None, max_length=256)
    strict: bool = Field(default=False, description="Refuse the file for one bad row.")


class RetryIn(Shape):
    """Which failures to try again; nothing given means all of them."""

    reason: FailureReason | None = Field(default=None, examples=["timeout"])
    host: str | None = Field(default=None, max_length=255, examples=["cdn.shop.example"])
    items: list[str] | None = Field(default=None, min_length=1, max_length=MAX_ITEMS)


class ProblemRow(BaseModel):
    """A row that was not taken."""

    source: str = Field(examples=["catalog.csv"])
    line: int | None = Field(examples=[17])
    field: str | None = Field(examples=["id"])
    message: str = Field(examples=["The id is empty."])
    code: str = Field(examples=["malformed_row"])

    @classmethod
    def of(cls, row: RejectedRow) -> Self:
        """As the ledger has it."""
        return cls(
            source=row.source, line=row.line, field=row.field, message=row.message, code=row.code
        )


class IndexOut(BaseModel):
    """How far the vector index of a job's collection is; searches find all points meanwhile, only slower."""

    indexed: int = Field(examples=[12_000])
    points: int = Field(examples=[50_000], description="0 where nobody looked yet.")


class StageOut(BaseModel):
    """How long a job's pictures were in a stage of the workers, over its finished chunks."""

    name: StageName = Field(
        description="`fetch` from a place among the fetches on, with the wait for the host's turn; `decode` with the wait"
        " for a core; `embed` with the wait for the device; `upsert` with the others of its chunk."
    )
    pictures: int = Field(description="One that was tried again counts again.", examples=[714])
    mean_ms: float = Field(description="Of one picture; many pass side by side.", examples=[38.2])

    @classmethod
    def each(cls, stages: Mapping[str, StageTotal]) -> list[Self]:
        """As the ledger has them, in the order in which a picture passes them."""
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
    `cancelled` and `lost`. A large job is `indexing` once every picture has its outcome, until its collection's index
    is built. A job is `lost` where Redis lost its data before it was time to forget the job: its counts are 0 then,
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
    index: IndexOut | None = Field(description="While the job is `indexing`.")
    rejected_rows: int
    failed_by_reason: dict[str, int] = Field(examples=[{"not_found": 3}])
    stages: list[StageOut] = Field(description="Where its pictures' time went.")
    created_at: datetime
    fed_at: datetime = Field(description="When its producer last added to it.")
    updated_at: datetime
    finished_at: datetime | None
    notice: str | None = Field(description="What has to be done, where the job is `lost`.")

    @classmethod
    def of(cls, status: JobStatus) -> Self:
        """As the ledger has it."""
        spec = status.spec
        return cls(
            id=spec.id, collection=spec.collection, model=spec.model, source=spec.source,
            state=status.state.value, finished=status.state.finished, items=status.items,
            images=status.images, embedded=status.embedded, failed=status.failed,
            cancelled=status.cancelled, pending=status.pending,
            index=IndexOut(indexed=status.indexed, points=status.points)
            if status.state is JobState.INDEXING else None,
            rejected_rows=status.rejected_rows, failed_by_reason=dict(status.failed_by_reason),
            stages=StageOut.each(status.stages),
            created_at=when(spec.created_at), fed_at=when(status.fed_at),
            updated_at=when(status.updated_at),
            finished_at=None if status.finished_at is None else when(status.finished_at),
            notice=lost_job_notice(spec) if status.state is JobState.LOST else None,
        )  # fmt: skip


class JobAccepted(BaseModel):
    """A job that was taken; its work goes on after this answer."""

    job: JobOut
    problems: list[ProblemRow] = Field(description=f"The first {SHOWN_PROBLEMS} rejected rows.")
    warnings: list[str] = Field(examples=[["No worker for the model builtin is running yet."]])


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobOut]
    next_offset: int | None = Field(description="None where there are no more.")


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
        """As the ledger has it."""
        image = failure.image
        return cls(
            item_id=image.item_id, image_index=image.index, url=image.url, host=image.host,
            reason=failure.reason.value, detail=failure.detail, attempts=failure.attempts,
            failed_at=when(failure.failed_at),
        )  # fmt: skip


class FailurePage(BaseModel):
    """Failures of a job, in the catalog's order."""

    failures: list[FailureOut]
    next_after: int | None = Field(
        description="The next page's `after`; None where there are no more."
    )


class ProblemList(BaseModel):
    """Rejected rows of a job; the first 1,000 are kept."""

    rejected_rows: int
    problems: list[ProblemRow]


class Retried(BaseModel):
    """What a retry put back to work."""

    job: JobOut
    images: int = Field(description="Pictures that are tried again.")
