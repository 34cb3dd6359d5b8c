"""The `input` and `output` of RunPod requests, in the formats of the two endpoints that vitrine is compatible with.

    {"images": [url, …]}    ->  {"embeddings": [{"image_url", "vector"}, …], "warnings"?: {"failed_urls": […], "message"}}
    {"image": base64}       ->  {"embedding": […]}, of the picture in greyscale, unless "grey": false

`infra/runpod/handler.py` serves the same inputs on RunPod itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.requests import image_inputs as pictures
from vitrine.core.errors import BadInput
from vitrine.query.client import QueryAnswer, QueryVector

MAX_IMAGES = 1000
_SHOWN_ERRORS = 5
"""Failed URLs named in the error of a request without a single vector."""


class Images(BaseModel):
    """Pictures by URL."""

    model_config = ConfigDict(strict=True)

    images: list[str] = Field(min_length=1, max_length=MAX_IMAGES)


class Image(BaseModel):
    """One picture in base64."""

    model_config = ConfigDict(strict=True)

    image: str = Field(min_length=1)
    grey: bool = True


@dataclass(frozen=True, slots=True)
class RunPodQuestions:
    """The queries of an input, in its order; `urls` is empty for a single picture."""

    pictures: tuple[pictures.Asked, ...]
    urls: tuple[str, ...]


def questions_of(given: object) -> RunPodQuestions:
    """Return the queries of a request's `input`; raise `BadInput`, which names the field."""
    if not isinstance(given, dict) or ("images" in given) == ("image" in given):
        raise BadInput(
            "The input must be an object with either images or image.",
            hint='{"images": [URL, …]} or {"image": BASE64}.',
        )
    try:
        if "image" in given:
            one = Image.model_validate(given)
            how = pictures.EmbedOptions(grey=one.grey)
            return RunPodQuestions((pictures.by_base64("".join(one.image.split()), how),), ())
        urls = Images.model_validate(given).images
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"input.{where}: {first['msg']}.") from None
    return RunPodQuestions(tuple(pictures.by_url(url) for url in urls), tuple(urls))


def output_of(asked: RunPodQuestions, answers: Sequence[QueryAnswer]) -> dict[str, Any]:
    """Return the `output`; vectors stay arrays, which `output_json` serialises.

    Raises `BadInput` if no picture has a vector.
    """
    if not asked.urls:
        (answer,) = answers
        if isinstance(answer, QueryVector):
            return {"embedding": answer.vector}
        raise answer
    pairs = list(zip(asked.urls, answers, strict=True))
    failed = [
        {"url": url, "error": str(answer)}
        for url, answer in pairs
        if not isinstance(answer, QueryVector)
    ]
    if len(failed) == len(pairs):
        raise BadInput(_all_failed(failed))
    output: dict[str, Any] = {
        "embeddings": [
            {"image_url": url, "vector": answer.vector}
            for url, answer in pairs
            if isinstance(answer, QueryVector)
        ]
    }
    if failed:
        message = f"{len(failed)} of {len(pairs)} images could not be embedded."
        output["warnings"] = {"failed_urls": failed, "message": message}
    return output


def _all_failed(failed: Sequence[dict[str, str]]) -> str:
    shown = "; ".join(f"{one['url'][:200]}: {one['error']}" for one in failed[:_SHOWN_ERRORS])
    more = f"; and {len(failed) - _SHOWN_ERRORS} more" if len(failed) > _SHOWN_ERRORS else ""
    return f"None of the {len(failed)} images could be embedded. {shown}{more}"


def output_json(output: dict[str, Any]) -> bytes:
    """Return the output as JSON, with vectors as numbers."""
    return orjson.dumps(output, option=orjson.OPT_SERIALIZE_NUMPY)
