"""Preview of a catalog before it is submitted: its columns, and the rows that would be rejected."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from api.schemas.jobs import SHOWN_PROBLEMS, ProblemRow
from api.schemas.reading import ReadingIn
from producer.preview import Preview, PreviewColumn


class PreviewIn(ReadingIn):
    """The text fields sent with the `file` to preview."""

    cut: bool = False


class ColumnOut(BaseModel):
    """A column of the catalog."""

    name: str = Field(examples=["image_link"])
    role: str = Field(description="`id`, `image` or `field`.", examples=["image"])
    kind: str | None = Field(
        description="Type of a field: `text`, `int`, `float`, `bool`, `list`, `empty`, or several of them.",
        examples=["text"],
    )
    examples: list[str] = Field(description="Its first values, shortened; at most 3.")

    @classmethod
    def of(cls, column: PreviewColumn) -> Self:
        """Build it from the producer's result."""
        return cls(
            name=column.name, role=column.role.value, kind=column.kind,
            examples=list(column.examples),
        )  # fmt: skip


class PreviewOut(BaseModel):
    """The result a submit would have for the first rows; nothing was submitted."""

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
        description="`id` or `image`, if no column was named or recognised: name one and try again. "
        "No rows were checked in that case.",
        examples=[["id"]],
    )
    whole: bool = Field(description="Whether all rows were checked, or only the first ones.")
    rows: int
    items: int
    images: int
    rejected_rows: int
    rejected_by_code: dict[str, int] = Field(examples=[{"duplicate_id": 2}])
    problems: list[ProblemRow] = Field(
        description=f"The first {SHOWN_PROBLEMS}, and the one that says where the file broke off."
    )

    @classmethod
    def of(cls, found: Preview) -> Self:
        """Build it from the producer's result."""
        report = found.report
        return cls(
            source=found.source, format=found.format.value,
            preset=found.preset, image_root=found.image_root, grouped=found.grouped,
            notes=list(found.notes),
            columns=[ColumnOut.of(column) for column in found.columns],
            missing=[role.value for role in found.missing], whole=found.whole,
            rows=report.rows, items=report.items, images=report.images,
            rejected_rows=report.rejected_rows, rejected_by_code=dict(report.problems_by_code),
            problems=[ProblemRow.of(row) for row in report.first_problems(SHOWN_PROBLEMS)],
        )  # fmt: skip
