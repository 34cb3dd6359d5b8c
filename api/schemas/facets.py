"""What a collection's fields hold, as filters are made from it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from vitrine.store import Facet


class FacetValueOut(BaseModel):
    """A value; `{field: value}` is the filter for it."""

    value: str | bool = Field(examples=["red"])
    pictures: int


class FacetBinOut(BaseModel):
    """Numbers next to each other; `{field: {"gte": gte, "lt": lt}}` is the filter for them."""

    gte: float
    lt: float
    pictures: int


class FacetOut(BaseModel):
    """One field."""

    field: str = Field(examples=["colour"])
    kind: Literal["values", "range"]
    type: str = Field(description="Of its index: `keyword`, `bool` or `float`.")
    suggested: bool = Field(
        description="Whether it divides the pictures well enough to be offered: "
        "a title that each picture has its own of does not."
    )
    values: list[FacetValueOut] = Field(description="Of `values`: the commonest first.")
    more: bool = Field(description="Of `values`: there are more than these.")
    low: float | None = Field(description="Of `range`: the smallest number; null where none is.")
    high: float | None = Field(description="Of `range`: the largest number.")
    bins: list[FacetBinOut] = Field(description="Of `range`: how the numbers are spread.")

    @classmethod
    def of(cls, found: Facet, pictures: int) -> Self:
        """As the store counted it, among so many pictures."""
        return cls(
            field=found.field, kind="range" if found.kind == "float" else "values",
            type=found.kind, suggested=_divides(found, pictures),
            values=[FacetValueOut(value=one.value, pictures=one.points) for one in found.values],
            more=found.more, low=found.low, high=found.high,
            bins=[FacetBinOut(gte=one.gte, lt=one.lt, pictures=one.points) for one in found.bins],
        )  # fmt: skip


def _divides(found: Facet, pictures: int) -> bool:
    """Two values or more, and those shown cover at least half of what is there."""
    if found.kind == "float":
        return len(found.bins) > 1
    shown = sum(value.points for value in found.values)
    return (
        len(found.values) > 1
        and (not found.more or 2 * shown >= pictures)
        and shown > len(found.values)
    )


class FacetsOut(BaseModel):
    """The fields of a collection that filters find by index."""

    collection: str
    pictures: int = Field(description="Pictures that pass the filter.")
    facets: list[FacetOut] = Field(description="As asked for; else those suggested first.")
    left_out: list[str] = Field(
        description="Fields beyond the number returned at once; request them by name."
    )
