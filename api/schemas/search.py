"""Schemas of searches: the request, and the items found."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from api.schemas.base import Shape, SpaceOut
from vitrine.similarity.relevance import Relevance
from vitrine.store import Hit, ItemHits
from vitrine.store.checks import MAX_TOP

MAX_EXAMPLES = 10  #: In each of `like` and `unlike`.
MAX_DIMENSION = 8192  #: Values of a query vector.

Vector = list[float]
Share = Annotated[float, Field(ge=0, le=1)]


class ExampleIn(Shape):
    """One example; exactly one of `item`, `image_url`, `image_base64` and `text`."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1, max_length=512)
    text: str | None = Field(default=None, min_length=1, max_length=1000)
    weight: float = Field(default=1, gt=0, le=10, description="Relative to the other examples.")


class SearchOptions(Shape):
    """The options of a search."""

    collection: str = Field(max_length=255, examples=["summer"])
    top: int = Field(default=10, ge=1, le=100, description="Items to return.")
    offset: int = Field(
        default=0,
        ge=0,
        lt=MAX_TOP,
        description=f"Items to skip: `next_offset` of the previous page. Pages end at {MAX_TOP} items.",
    )
    filter: dict[str, Any] | None = Field(
        default=None,
        description=(
            "Conditions on the catalog's fields: `{field: value}` equals, `{field: [values]}` any of,"
            " `{field: {gt|gte|lt|lte: number or date}}` range, and `and`, `or`, `not`. A list matches if one of its"
            " elements does. Dates are ISO 8601, in UTC without a zone; one without a time is the whole day."
        ),
        examples=[
            {"colour": ["red", "blue"], "price": {"lt": 50}},
            {"added": {"gte": "2026-11-01", "lte": "2026-11-30"}},
        ],
    )
    exact: bool = Field(default=False, description="Compare with every vector; slower.")
    pictures_per_item: int = Field(
        default=1, ge=1, le=10, description="How many pictures of an item to show, best first."
    )
    text_weight: float = Field(
        default=1,
        gt=0,
        le=10,
        description="Weight of the text relative to the picture or item; at 1 they count the same.",
    )
    like: list[ExampleIn] = Field(
        default_factory=list, max_length=MAX_EXAMPLES, description="Find more like these."
    )
    unlike: list[ExampleIn] = Field(
        default_factory=list, max_length=MAX_EXAMPLES, description="Find less like these."
    )
    relevance: Literal["off", "mark", "cut"] = Field(
        default="off",
        description="`mark` says for each hit whether it stands out from the rest of the collection for this query;"
        " `cut` leaves out those that do not.",
    )
    group_duplicates: bool = Field(
        default=False, description="Show near-identical pictures of several items as one hit."
    )
    vectors: bool = Field(
        default=False, description="Return the vectors of the query and of each hit's picture."
    )


class SearchIn(SearchOptions):
    """A search by at most one of `image_url`, `image_base64`, `item` and `vector`, by text, or by both."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1, max_length=512)
    text: str | None = Field(default=None, min_length=1, max_length=1000)
    vector: Vector | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_DIMENSION,
        description="A vector in the collection's space, as returned by another search; of any length but 0.",
    )
    crop: list[Share] | None = Field(
        default=None,
        min_length=4,
        max_length=4,
        description="Search by this part of the uploaded picture, `image_url` or `image_base64`: left, top, width and"
        " height, as fractions of the upright picture's sides.",
        examples=[[0.25, 0.1, 0.5, 0.4]],
    )


class QueryOut(BaseModel):
    """The query as it was used."""

    kind: str = Field(
        examples=["image"],
        description="`image`, `url`, `text`, `item` or `vector`; `blend` for several of them.",
    )
    described: str = Field(examples=["the mean of the item's 2 stored vectors"])
    space: SpaceOut
    vector: Vector | None = Field(
        default=None, description="Unit vector; the next page can be requested with it."
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
    """One item, represented by its best picture."""

    rank: int = Field(examples=[1])
    item_id: str = Field(examples=["sku-1042"])
    score: float = Field(description="Cosine, -1 to 1.", examples=[0.93])
    image_url: str
    image_index: int
    fields: dict[str, Any] = Field(examples=[{"title": "Striped shirt", "price": 29.5}])
    provenance: dict[str, Any] = Field(
        description="Origin of the vector: job, model, revision, policy, content hash, time."
    )
    pictures: list[PictureOut] = Field(
        description="The item's pictures, best first; at most `pictures_per_item`."
    )
    relevant: bool | None = Field(
        default=None,
        description="Whether the score reaches the cut; null if `relevance` is off or cannot be judged.",
    )
    duplicates: list[DuplicateOut] = Field(
        default_factory=list, description="Near-identical items that this hit represents."
    )
    vector: Vector | None = Field(
        default=None, description="Vector of the picture; null unless requested."
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
        """Build it from the store's result."""
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
    """The score at which relevant hits end for this query, and its basis."""

    cut: float = Field(description="The minimum score of a relevant hit.")
    background: float = Field(description="Median score of randomly chosen pictures.")
    spread: float = Field(description="Spread of these scores around the median.")
    sample: int = Field(description="Number of these pictures.")

    @classmethod
    def of(cls, found: Relevance) -> Self:
        """Build it from the computed relevance."""
        return cls(cut=found.cut, background=found.middle, spread=found.spread, sample=found.sample)


class Took(BaseModel):
    """Time taken, in milliseconds."""

    embed_ms: float
    store_ms: float


class SearchOut(BaseModel):
    """The nearest items, best first."""

    collection: str
    query: QueryOut
    hits: list[HitOut]
    next_offset: int | None = Field(description="Offset of the next page; null on the last one.")
    relevance: RelevanceOut | None = Field(
        default=None,
        description="Null if `relevance` is off, or too few pictures are stored to judge.",
    )
    took: Took
