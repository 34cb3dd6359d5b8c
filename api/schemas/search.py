"""Searches: what is asked, and the items found."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, Field

from api.schemas.base import Shape, SpaceOut
from vitrine.vectors import ItemHits


class SearchOptions(Shape):
    """What every search may say."""

    collection: str = Field(max_length=255, examples=["summer"])
    top: int = Field(default=10, ge=1, le=100, description="Items wanted.")
    filter: dict[str, Any] | None = Field(
        default=None,
        description=(
            "Over the catalog's fields: `{field: value}` equals, `{field: [values]}` any of,"
            " `{field: {gt|gte|lt|lte: number}}` range, and `and`, `or`, `not`."
        ),
        examples=[{"colour": ["red", "blue"], "price": {"lt": 50}}],
    )
    exact: bool = Field(default=False, description="Compare with every vector; slower.")
    pictures_per_item: int = Field(
        default=1, ge=1, le=10, description="How many pictures of an item to show, best first."
    )


class SearchIn(SearchOptions):
    """A search; exactly one of `image_url`, `image_base64`, `item` and `text`."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1, max_length=512)
    text: str | None = Field(default=None, min_length=1, max_length=1000)


class QueryOut(BaseModel):
    """What was searched with."""

    kind: str = Field(examples=["image"], description="`image`, `url`, `text` or `item`.")
    described: str = Field(examples=["the mean of the item's 2 stored vectors"])
    space: SpaceOut


class PictureOut(BaseModel):
    """One picture of an item."""

    image_url: str
    image_index: int
    score: float


class HitOut(BaseModel):
    """One item, by its best picture."""

    rank: int = Field(examples=[1])
    item_id: str = Field(examples=["sku-1042"])
    score: float = Field(description="Cosine, -1 to 1.", examples=[0.93])
    image_url: str
    image_index: int
    fields: dict[str, Any] = Field(examples=[{"title": "Striped shirt", "price": 29.5}])
    pictures: list[PictureOut] = Field(
        description="The item's pictures, best first; at most `pictures_per_item`."
    )

    @classmethod
    def of(cls, rank: int, found: ItemHits) -> Self:
        """As the store found it."""
        best = found.hits[0]
        return cls(
            rank=rank, item_id=found.item_id, score=found.score, image_url=best.url,
            image_index=best.index, fields=dict(best.fields),
            pictures=[
                PictureOut(image_url=hit.url, image_index=hit.index, score=hit.score)
                for hit in found.hits
            ],
        )  # fmt: skip


class Took(BaseModel):
    """Where the time went, in milliseconds."""

    embed_ms: float
    store_ms: float


class SearchOut(BaseModel):
    """The nearest items, best first."""

    collection: str
    query: QueryOut
    hits: list[HitOut]
    took: Took
