"""Schemas of embeddings and scores: the request, and the outcome of each picture, text or pair."""

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
"""Pairs per request: together as many pictures and texts as an embedding request accepts."""

_MODEL = Field(
    default=None,
    max_length=512,
    description="Name or alias of a running model. Default: the one that runs.",
    examples=["builtin"],
)
_FRESH = Field(
    default=False,
    description="Embed pictures even if the worker has their vectors cached, for example for a benchmark or a health check.",
)
_TIMEOUT = Field(
    default=None,
    gt=0,
    le=300,
    description="Seconds for the whole request (default: VITRINE_QUERY_TIMEOUT); inputs without a result by then fail.",
)


class PictureIn(Shape):
    """A picture, in one of the two fields."""

    image_url: str | None = Field(default=None, min_length=1, max_length=4096)
    image_base64: str | None = Field(
        default=None, description="Base64, or a `data:image/…;base64,…` URL."
    )


class InputIn(PictureIn):
    """One input to embed: exactly one of the three fields."""

    text: str | None = Field(default=None, min_length=1, max_length=1000)


class EmbedIn(InputIn):
    """Inputs to embed: either `inputs`, or a single input in its place."""

    model: str | None = _MODEL
    inputs: list[InputIn] | None = Field(default=None, min_length=1, max_length=MOST_INPUTS)
    encoding: Literal["float", "base64"] = Field(
        default="float",
        description="`base64` encodes little-endian float32: a third of the bytes, and no numbers to parse.",
    )
    grey: bool = Field(default=False, description="Convert pictures to greyscale before embedding.")
    fresh: bool = _FRESH
    timeout: float | None = _TIMEOUT


class ItemError(BaseModel):
    """The reason why an input has no vector."""

    code: str = Field(
        examples=["not_found"],
        description="A failure reason, as in a job's failures, or a problem code.",
    )
    message: str
    retryable: bool = Field(description="Whether a retry may help.")

    @classmethod
    def of(cls, error: VitrineError) -> Self:
        """Build it from the error that the worker returned."""
        if isinstance(error, UnusablePicture):
            return cls(code=error.reason, message=error.detail, retryable=error.reason.transient)
        return cls(code=error.code, message=sentence_of(error), retryable=error.retryable)


class EmbeddingOut(BaseModel):
    """The outcome of one input."""

    index: int = Field(description="Position of the input, from 0.")
    embedding: list[float] | str | None = Field(
        description="Unit vector, in base64 if requested; null if the input failed."
    )
    error: ItemError | None


class EmbedOut(BaseModel):
    """The outcomes, in the order of the inputs."""

    space: SpaceOut
    embedded: int
    failed: int
    took_ms: float
    results: list[EmbeddingOut]


class PairIn(PictureIn):
    """A picture, in one of the two fields, and a text."""

    text: str = Field(min_length=1, max_length=1000)


class ScoreIn(Shape):
    """Pairs to score."""

    model: str | None = _MODEL
    pairs: list[PairIn] = Field(min_length=1, max_length=MOST_PAIRS)
    fresh: bool = _FRESH
    timeout: float | None = _TIMEOUT


class ScoringOut(BaseModel):
    """The model's scale and bias: `logit = scale * cosine + bias`."""

    kind: Literal["clip", "siglip"]
    scale: float
    bias: float

    @classmethod
    def of(cls, scoring: Scoring) -> Self:
        """Build it from the worker's registration."""
        return cls(kind=scoring.kind, scale=scoring.scale, bias=scoring.bias)


class PairError(ItemError):
    """The reason why a pair has no score."""

    part: Literal["image", "text"] = Field(description="The part that failed.")


class ScoreOut(BaseModel):
    """The outcome of one pair; all scores are null if it failed."""

    index: int
    cosine: float | None = Field(description="-1 to 1.")
    clip_score: float | None = Field(
        description="max(100 cosine, 0): CLIPScore (arXiv:2104.08718) with a factor of 100 instead of 2.5."
    )
    logit: float | None = Field(description="Null if the model has no scale.")
    probability: float | None = Field(
        description="SigLIP's probability for this pair alone; null for CLIP, which only compares texts with each other."
    )
    error: PairError | None


class ScoresOut(BaseModel):
    """The outcomes, in the order of the pairs."""

    space: SpaceOut
    scoring: ScoringOut | None
    scored: int
    failed: int
    took_ms: float
    results: list[ScoreOut]
