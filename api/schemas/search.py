"""Searches: what is asked, and the items found."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from api.schemas.base import Shape, SpaceOut
from vitrine.similarity.relevance import Relevance
from vitrine.store import Hit, ItemHits
from vitrine.store.checks import MAX_TOP

MAX_EXAMPLES = 10  #: In each of `like` and `unlike`.
MAX_DIMENSION = 8192  #: Values of a vector that is searched by.

Vector = list[float]
Share = Annotated[float, Field(ge=0, le=1)]


class ExampleIn(Shape):
    """One example; exactly one of `item`, `image_url`, `image_base64` and `text`."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1, max_length=512)
    text: str | None = Field(default=None, min_length=1, max_length=1000)
    weight: float = Field(default=1, gt=0, le=10, description="Beside the other examples.")


class SearchOptions(Shape):
    """What every search may say."""

    collection: str = Field(max_length=255, examples=["summer"])
    top: int = Field(default=10, ge=1, le=100, description="Items wanted.")
    offset: int = Field(
        default=0,
        ge=0,
        lt=MAX_TOP,
        description=f"Items to pass over: `next_offset` of the page before. Pages end at {MAX_TOP} items.",
    )
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
    text_weight: float = Field(
        default=1,
        gt=0,
        le=10,
        description="What words count beside a picture or item; 1 is as much as that.",
    )
    like: list[ExampleIn] = Field(
        default_factory=list, max_length=MAX_EXAMPLES, description="More of these."
    )
    unlike: list[ExampleIn] = Field(
        default_factory=list, max_length=MAX_EXAMPLES, description="Less of these."
    )
    relevance: Literal["off", "mark", "cut"] = Field(
        default="off",
        description="Say of each hit whether it stands out from the collection for this question,"
        " or leave out those that do not.",
    )
    group_duplicates: bool = Field(
        default=False, description="Show near-identical pictures of several items as one hit."
    )
    vectors: bool = Field(
        default=False, description="Tell the vectors of the question and of each hit's picture."
    )


class SearchIn(SearchOptions):
    """A search: at most one of `image_url`, `image_base64`, `item` and `vector`; words alone or beside it."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1, max_length=512)
    text: str | None = Field(default=None, min_length=1, max_length=1000)
    vector: Vector | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_DIMENSION,
        description="In the collection's space, as returned by another search; any length but 0.",
    )
    crop: list[Share] | None = Field(
        default=None,
        min_length=4,
        max_length=4,
        description="The part of an uploaded picture, `image_url` or `image_base64` that is meant: left, top, width and"
        " height, in shares of the upright picture's sides.",
        examples=[[0.25, 0.1, 0.5, 0.4]],
    )


class QueryOut(BaseModel):
    """What was searched with."""

    kind: str = Field(
        examples=["image"],
        description="`image`, `url`, `text`, `item` or `vector`; `blend` where there were several.",
    )
    described: str = Field(examples=["the mean of the item's 2 stored vectors"])
    space: SpaceOut
    vector: Vector | None = Field(
        default=None, description="Of unit length; the next page can be asked for by it."
    )


class PictureOut(BaseModel):
    """One picture of an item."""

    image_url: str
    image_index: int
    score: float


class DuplicateOut(BaseModel):
    """Another item with nearly the same picture."""

    item_id: str
    image_url: str
    score: float


class HitOut(BaseModel):
    """One item, by its best picture."""

    rank: int = Field(examples=[1])
    item_id: str = Field(examples=["sku-1042"])
    score: float = Field(description="Cosine, -1 to 1.", examples=[0.93])
    image_url: str
    image_index: int
    fields: dict[str, Any] = Field(examples=[{"title": "Striped shirt", "price": 29.5}])
    provenance: dict[str, Any] = Field(
        description="Where the vector comes from: job, model, revision, policy, content hash, time."
    )
    pictures: list[PictureOut] = Field(
        description="The item's pictures, best first; at most `pictures_per_item`."
    )
    relevant: bool | None = Field(
        default=None, description="Whether it is above the cut; null where that was not asked for."
    )
    duplicates: list[DuplicateOut] = Field(
        default_factory=list, description="Near-identical items that this hit represents."
    )
    vector: Vector | None = Field(
        default=None, description="Of the picture; null where not asked for."
    )

    @classmethod
    def of(
        cls,
        rank: int,
        found: ItemHits,
        *,
        relevance: Relevance | None = None,
        duplicates: list[Hit] | None = None,
        vector: Vector | None = None,
    ) -> Self:
        """As the store found it."""
        best = found.hits[0]
        return cls(
            rank=rank, item_id=found.item_id, score=found.score, image_url=best.url,
            image_index=best.index, fields=dict(best.fields), provenance=dict(best.provenance),
            pictures=[
                PictureOut(image_url=hit.url, image_index=hit.index, score=hit.score)
                for hit in found.hits
            ],
            relevant=None if relevance is None else found.score >= relevance.cut,
            duplicates=[
                DuplicateOut(item_id=hit.item_id, image_url=hit.url, score=hit.score)
                for hit in duplicates or []
            ],
            vector=vector,
        )  # fmt: skip


class RelevanceOut(BaseModel):
    """Where the relevant hits end for this question, and what that was judged by."""

    cut: float = Field(description="The score that a relevant hit has at least.")
    background: float = Field(description="The middle of the scores of pictures drawn at random.")
    spread: float = Field(description="Their spread about it.")
    sample: int = Field(description="How many were drawn.")

    @classmethod
    def of(cls, found: Relevance) -> Self:
        """As it was judged."""
        return cls(cut=found.cut, background=found.middle, spread=found.spread, sample=found.sample)


class Took(BaseModel):
    """Where the time went, in milliseconds."""

    embed_ms: float
    store_ms: float


class SearchOut(BaseModel):
    """The nearest items, best first."""

    collection: str
    query: QueryOut
    hits: list[HitOut]
    next_offset: int | None = Field(
        description="Where the next page begins; null where there is none."
    )
    relevance: RelevanceOut | None = Field(
        default=None, description="Null where it was not asked for, or too few are stored to judge."
    )
    took: Took
