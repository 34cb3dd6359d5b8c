"""Schemas of a collection's field values, from which filters are made."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from vitrine.store import Facet

RANGES = frozenset({"float", "datetime"})  #: Index types whose values are ordered.


class FacetValueOut(BaseModel):
    """A value; `{field: value}` is the filter for it."""

    value: str | bool = Field(examples=["red"])
    pictures: int


class FacetBinOut(BaseModel):
    """A range of numbers or dates; `{field: {"gte": gte, "lt": lt}}` is the filter for it."""

    gte: float | str = Field(examples=[20, "2026-11-01T00:00:00Z"])
    lt: float | str = Field(examples=[40, "2026-12-01T00:00:00Z"])
    pictures: int


class FacetOut(BaseModel):
    """One field."""

    field: str = Field(examples=["colour"])
    kind: Literal["values", "range"]
    type: str = Field(
        description="Type of the field's index: `keyword`, `bool`, `float` or `datetime`."
    )
    suggested: bool = Field(
        description="Whether the field divides the pictures well enough to be offered as a filter: "
        "a title that differs for every picture does not."
    )
    values: list[FacetValueOut] = Field(description="For `values`: the most frequent first.")
    more: bool = Field(description="For `values`: whether there are more than these.")
    low: float | str | None = Field(
        description="For `range`: the smallest number or the earliest date (UTC, `YYYY-MM-DDTHH:MM:SSZ`); null if"
        " there is none."
    )
    high: float | str | None = Field(
        description="For `range`: the largest number or the latest date."
    )
    bins: list[FacetBinOut] = Field(
        description="For `range`: the distribution of the numbers or dates. Those of dates are whole days, weeks, months"
        " or years."
    )

    @classmethod
    def of(cls, found: Facet, pictures: int) -> Self:
        """Build it from the store's counts over `pictures` pictures."""
        return cls(
            field=found.field, kind="range" if found.kind in RANGES else "values",
            type=found.kind, suggested=_divides(found, pictures),
            values=[FacetValueOut(value=one.value, pictures=one.points) for one in found.values],
            more=found.more, low=found.low, high=found.high,
            bins=[FacetBinOut(gte=one.gte, lt=one.lt, pictures=one.points) for one in found.bins],
        )  # fmt: skip


def _divides(found: Facet, pictures: int) -> bool:
    """Return whether the field has at least two values, not all unique, and the ones shown cover at least half the pictures."""
    if found.kind == "float":
        return len(found.bins) > 1
    if found.kind == "datetime":
        return found.low != found.high
    shown = sum(value.points for value in found.values)
    return (
        len(found.values) > 1
        and (not found.more or 2 * shown >= pictures)
        and shown > len(found.values)
    )


class FacetsOut(BaseModel):
    """The indexed fields of a collection."""

    collection: str
    pictures: int = Field(description="Pictures that pass the filter.")
    facets: list[FacetOut] = Field(
        description="In the requested order; by default the suggested ones first."
    )
    left_out: list[str] = Field(
        description="Fields above the maximum per response; request them by name."
    )
