"""Embeddings and scores: what is asked, and the outcome of each picture, text or pair."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from api.error_hints import sentence_of
from api.schemas.base import Shape, SpaceOut
from vitrine.core.errors import VitrineError
from vitrine.core.scoring import Scoring
from vitrine.query.client import UnusablePicture

MOST_INPUTS = 1000
MOST_PAIRS = 500
"""Pairs of a request: as many pictures and texts as an embedding request takes."""

_MODEL = Field(
    default=None,
    max_length=512,
    description="A running model's name or alias; left out: the one that runs.",
    examples=["builtin"],
)
_FRESH = Field(
    default=False,
    description="Have pictures embedded although the worker may know their vectors from before: to time it, or to see that it lives.",
)
_TIMEOUT = Field(
    default=None,
    gt=0,
    le=300,
    description="Seconds for all of it (by default VITRINE_QUERY_TIMEOUT); what has no answer by then fails.",
)


class PictureIn(Shape):
    """A picture: one of its two fields."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(default=None, description="Also as `data:image/…;base64,…`.")


class InputIn(PictureIn):
    """One thing to embed: exactly one of the three."""

    text: str | None = Field(default=None, min_length=1, max_length=1000)


class EmbedIn(InputIn):
    """Either `inputs`, or one input in its place."""

    model: str | None = _MODEL
    inputs: list[InputIn] | None = Field(default=None, min_length=1, max_length=MOST_INPUTS)
    encoding: Literal["float", "base64"] = Field(
        default="float",
        description="`base64` is of float32, little-endian: a third of the bytes, and nothing to parse.",
    )
    grey: bool = Field(default=False, description="Make pictures grey before they are embedded.")
    fresh: bool = _FRESH
    timeout: float | None = _TIMEOUT


class ItemError(BaseModel):
    """Why one of them has no vector."""

    code: str = Field(
        examples=["not_found"],
        description="A picture's reason as in a job's failures, or a problem's code.",
    )
    message: str
    retryable: bool = Field(description="Whether asking again may help.")

    @classmethod
    def of(cls, error: VitrineError) -> Self:
        """As the worker told of it."""
        if isinstance(error, UnusablePicture):
            return cls(code=error.reason, message=error.detail, retryable=error.reason.transient)
        return cls(code=error.code, message=sentence_of(error), retryable=error.retryable)


class EmbeddingOut(BaseModel):
    """The outcome of one input."""

    index: int = Field(description="Its place among the inputs, from 0.")
    embedding: list[float] | str | None = Field(
        description="Of length 1; in base64 where that was asked for; null where there is none."
    )
    error: ItemError | None


class EmbedOut(BaseModel):
    """The outcomes in the inputs' order."""

    space: SpaceOut
    embedded: int
    failed: int
    took_ms: float
    results: list[EmbeddingOut]


class PairIn(PictureIn):
    """A picture, in one of its two fields, and a text."""

    text: str = Field(min_length=1, max_length=1000)


class ScoreIn(Shape):
    """Pairs to score."""

    model: str | None = _MODEL
    pairs: list[PairIn] = Field(min_length=1, max_length=MOST_PAIRS)
    fresh: bool = _FRESH
    timeout: float | None = _TIMEOUT


class ScoringOut(BaseModel):
    """The model's own scale and bias: `logit = scale * cosine + bias`."""

    kind: Literal["clip", "siglip"]
    scale: float
    bias: float

    @classmethod
    def of(cls, scoring: Scoring) -> Self:
        """As a worker announces it."""
        return cls(kind=scoring.kind, scale=scoring.scale, bias=scoring.bias)


class PairError(ItemError):
    """Why a pair has no score."""

    part: Literal["image", "text"] = Field(description="Which of the two it is about.")


class ScoreOut(BaseModel):
    """The outcome of one pair; numbers are null where it failed."""

    index: int
    cosine: float | None = Field(description="-1 to 1.")
    clip_score: float | None = Field(
        description="max(100 cosine, 0): CLIPScore (arXiv:2104.08718) with 100 in place of its 2.5."
    )
    logit: float | None = Field(description="Where the model has a scale of its own.")
    probability: float | None = Field(
        description="That of a SigLIP for this pair alone; a CLIP only compares texts with each other."
    )
    error: PairError | None


class ScoresOut(BaseModel):
    """The outcomes in the pairs' order."""

    space: SpaceOut
    scoring: ScoringOut | None
    scored: int
    failed: int
    took_ms: float
    results: list[ScoreOut]
