"""A catalog looked at before it is submitted: what was found in it, and what would be rejected."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from api.schemas.jobs import SHOWN_PROBLEMS, ProblemRow
from api.schemas.reading import ReadingIn
from producer.preview import Preview, PreviewColumn


class PreviewIn(ReadingIn):
    """The text fields beside the `file` that is looked at."""

    cut: bool = False


class ColumnOut(BaseModel):
    """A column of the catalog."""

    name: str = Field(examples=["image_link"])
    role: str = Field(description="`id`, `image` or `field`.", examples=["image"])
    kind: str | None = Field(
        description="Of a field: `text`, `int`, `float`, `bool`, `list`, `empty`, or several of them.",
        examples=["text"],
    )
    examples: list[str] = Field(description="Its first values, cut; 3 at most.")

    @classmethod
    def of(cls, column: PreviewColumn) -> Self:
        """As the producer found it."""
        return cls(
            name=column.name, role=column.role.value, kind=column.kind,
            examples=list(column.examples),
        )  # fmt: skip


class PreviewOut(BaseModel):
    """What a submit would make of the first rows; nothing was submitted."""

    source: str = Field(examples=["catalog.csv"])
    format: str = Field(examples=["csv"])
    preset: str | None = Field(
        description="The platform whose export it is; null if none was recognised.",
        examples=["shopify"],
    )
    image_root: str = Field(
        description="What `image_root` usually is for this platform, if its pictures are paths; else empty."
    )
    grouped: bool = Field(description="Whether rows with one id are merged into one item.")
    notes: list[str] = Field(description="What was detected, skipped or doubtful.")
    columns: list[ColumnOut]
    missing: list[str] = Field(
        description="`id` or `image`, where no column was named or recognised: name one and ask again. "
        "No row was judged then.",
        examples=[["id"]],
    )
    whole: bool = Field(description="Whether every row was judged, or only the first ones.")
    rows: int
    items: int
    images: int
    rejected_rows: int
    rejected_by_code: dict[str, int] = Field(examples=[{"duplicate_id": 2}])
    problems: list[ProblemRow] = Field(description=f"The first {SHOWN_PROBLEMS}.")

    @classmethod
    def of(cls, found: Preview) -> Self:
        """As the producer found it."""
        report = found.report
        return cls(
            source=found.source, format=found.format.value,
            preset=found.preset, image_root=found.image_root, grouped=found.grouped,
            notes=list(found.notes),
            columns=[ColumnOut.of(column) for column in found.columns],
            missing=[role.value for role in found.missing], whole=found.whole,
            rows=report.rows, items=report.items, images=report.images,
            rejected_rows=report.rejected_rows, rejected_by_code=dict(report.problems_by_code),
            problems=[ProblemRow.of(row) for row in report.problems[:SHOWN_PROBLEMS]],
        )  # fmt: skip
