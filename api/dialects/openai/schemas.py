"""Schemas of OpenAI's embeddings API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.schemas.base import Shape

MOST_INPUTS = 2048
"""OpenAI's limit per request."""
Text = Annotated[str, Field(min_length=1)]


class EmbeddingsIn(Shape):
    """A request for embeddings."""

    model: str = Field(min_length=1, max_length=512, examples=["siglip"])
    input: (
        Text | Annotated[list[Text | list[int] | int], Field(min_length=1, max_length=MOST_INPUTS)]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(
        default=None, ge=1, description="The model's dimension, or omitted."
    )
    user: str | None = Field(default=None, description="Ignored.")
    modality: Literal["text", "image"] = Field(
        default="text", description="`image`: the inputs are URLs, base64 or data URLs."
    )


class OpenAIEmbeddingOut(BaseModel):
    """One unit vector, as numbers or, if requested, as base64 of little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class UsageOut(BaseModel):
    """Always 0: the workers tokenise texts and do not count tokens."""

    prompt_tokens: int = 0
    total_tokens: int = 0


class EmbeddingsOut(BaseModel):
    """The vectors."""

    object: Literal["list"] = "list"
    data: list[OpenAIEmbeddingOut]
    model: str
    usage: UsageOut


class OpenAIModel(BaseModel):
    """A model."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When its worker started, Unix seconds.")
    owned_by: str = "vitrine"


class OpenAIModels(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]
