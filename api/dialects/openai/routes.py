"""OpenAI's embeddings API, for its clients and those of infinity: `/v1/embeddings` and `/v1/models`.

As in OpenAI's API, a request succeeds or fails as a whole: an error names the first input that has no vector (`/v1/embed`
reports each input). Features that this service lacks are refused with an explanation: arrays of tokens (their tokeniser is
unknown) and shortened vectors. `usage` is 0, because the workers tokenise texts and do not count tokens.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api import openapi
from api.dependencies import RequestServices, Services
from api.dialects.openai.schemas import EmbeddingsIn, EmbeddingsOut, OpenAIModel, OpenAIModels
from api.embedding import embed_questions
from api.middleware.body_limit import large_body_slot, search_slot
from api.requests import bodies
from api.requests.image_inputs import Asked, by_base64, by_text, by_url
from api.requests.model_names import ServedModel, find_model, running_names
from api.responses.vector_encoding import encode_vector
from vitrine.core.errors import BadInput, VitrineError
from vitrine.core.schemes import is_allowed_in_requests
from vitrine.query.client import QueryAnswer, QueryVector, UnusablePicture

BODIES = (EmbeddingsIn,)
"""Models to add to the OpenAPI document, because the routes parse these bodies themselves."""

router = APIRouter(tags=["OpenAI"])

_EXAMPLE = {"model": "siglip", "input": ["red shoes", "a striped shirt"]}


@router.post(
    "/v1/embeddings",
    summary="Embed texts, or pictures with `modality`",
    response_model=EmbeddingsOut,
    responses=openapi.error_responses(400, 404, 408, 409, 413, 415, 429),
    openapi_extra=openapi.json_body(EmbeddingsIn, example=_EXAMPLE),
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
def embeddings(
    parts: RequestServices, body: Annotated[bytes, Depends(bodies.json_only)]
) -> Response:
    """Return unit vectors in the order of the inputs.

    With `modality: "image"` the inputs are URLs, base64 or data URLs. Texts are truncated at the model's maximum length.
    """
    asked = bodies.from_json(EmbeddingsIn, body)
    model = find_model(parts, asked.model)
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    _require_dimension(model, asked.dimensions)
    found = embed_questions(parts, model, [_asked(one, asked) for one in inputs])
    data = [_entry(index, answer, asked) for index, answer in enumerate(found.answers)]
    told = {
        "object": "list",
        "data": data,
        "model": asked.model,
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
    }
    content = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")


def _require_dimension(model: ServedModel, wanted: int | None) -> None:
    has = model.worker().dimension
    if wanted is not None and wanted != has:
        raise BadInput(
            f"The model {model.name} has vectors of {has} dimensions, which are not shortened.",
            hint="Leave dimensions out.",
        )


def _asked(one: str | list[int] | int, asked: EmbeddingsIn) -> Asked:
    if not isinstance(one, str):
        raise bodies.refuse_field("input", "Arrays of tokens are not supported; send texts.")
    if asked.modality == "text":
        return by_text(one)
    return by_url(one) if is_allowed_in_requests(one) else by_base64(one)


def _entry(index: int, answer: QueryAnswer, asked: EmbeddingsIn) -> dict[str, Any]:
    if not isinstance(answer, QueryVector):
        raise _named(index, answer)
    vector = encode_vector(answer.vector, asked.encoding_format or "float")
    return {"object": "embedding", "index": index, "embedding": vector}


def _named(index: int, error: VitrineError) -> VitrineError:
    """Return the same error with the input that it concerns."""
    if isinstance(error, UnusablePicture):
        return BadInput(f"input[{index}]: {error.reason}, {error.detail}.")
    return type(error)(f"input[{index}]: {error.message}", hint=error.hint)


@router.get("/v1/models", summary="Running models", responses=openapi.error_responses())
def models(parts: RequestServices) -> OpenAIModels:
    """List the running models under all their names, aliases included."""
    return OpenAIModels(data=[_model(parts, name) for name in running_names(parts)])


@router.get(
    "/v1/models/{model:path}", summary="One running model", responses=openapi.error_responses(404)
)
def one_model(parts: RequestServices, model: str) -> OpenAIModel:
    """Return one model; 404 if it is unknown, 503 if it has no worker."""
    return _model(parts, model)


def _model(parts: Services, name: str) -> OpenAIModel:
    worker = find_model(parts, name).worker()
    # The clock of another machine may be ahead, but no worker started in the future.
    created = min(int(worker.started_at), int(time.time()))
    return OpenAIModel(id=name, created=max(0, created))
