"""Schemas of the CLIP-score service."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shape
from api.schemas.embed import MOST_PAIRS


class EvaluationIn(Shape):
    """A picture and a text."""

    # Pydantic reserves names that begin with `model_`.
    model_config = ConfigDict(**Shape.model_config, protected_namespaces=())

    image_input: str = Field(min_length=1, description="A URL, base64, or a data URL.")
    text_prompt: str = Field(min_length=1, max_length=1000)
    model_config_name: str | None = Field(default=None, max_length=512)


class BatchIn(Shape):
    """Many pictures and texts."""

    evaluations: list[EvaluationIn] = Field(min_length=1, max_length=MOST_PAIRS)
    batch_size: int | None = Field(
        default=None, ge=1, description="Ignored: the workers form batches."
    )


class EvaluationOut(BaseModel):
    """A score."""

    model_config = ConfigDict(protected_namespaces=())

    image_input: str = Field(description="As given; base64 is shortened to its beginning.")
    text_prompt: str
    clip_score: float = Field(description="max(100 cosine, 0).")
    processing_time_ms: float = Field(description="In a batch, an equal share of the total.")
    model_used: str


class FailedEvaluationOut(BaseModel):
    """The reason why a pair has no score."""

    image_input: str
    text_prompt: str
    clip_score: None = None
    error: str


class BatchOut(BaseModel):
    """The outcomes, in the order of the pairs."""

    model_config = ConfigDict(protected_namespaces=())

    results: list[EvaluationOut | FailedEvaluationOut]
    total_evaluations: int
    successful: int
    failed: int
    total_processing_time_ms: float
    model_used: str


class EvaluatorHealth(BaseModel):
    """Scoring works."""

    status: Literal["healthy"]
