"""Inference by the Open Inference Protocol, version 2, for clients of Triton and KServe.

    body ──▶ one tensor ──▶ one query each ──▶ query lane ──▶ vectors ──▶ EMBEDDING, FP32 [n, dimension]

Paths below `/v2/models`, `/v2/health` and `/v2/repository` belong to this dialect; all other names are RunPod endpoints.
Metadata routes are in `api.dialects.oip.metadata`, unsupported ones in `api.dialects.oip.not_served`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from api import openapi
from api.dependencies import RequestServices, Services
from api.dialects.oip import bodies
from api.dialects.oip.answers import HEADER_LENGTH, write_answer
from api.dialects.oip.metadata import OUTPUT, Counted, Named
from api.dialects.oip.questions import questions
from api.dialects.oip.schemas import InferIn, InferOut, OutputIn
from api.dialects.oip.statistics import VERSION, Lap
from api.dialects.oip.tensors import InferRequest, read_request
from api.embedding import embed_questions
from api.middleware.body_limit import large_body_slot, search_slot
from api.requests.model_names import ServedModel
from vitrine.core.errors import BadInput
from vitrine.query.client import QueryAnswer, QueryVector

router = APIRouter(tags=["Open Inference Protocol"])

SYNONYMS = frozenset({OUTPUT, "EMBEDDINGS", "IMAGE_EMBEDS", "TEXT_EMBEDS", "POOLER_OUTPUT"})
"""Names that clients use for the only output; case is ignored."""
BODIES = (InferIn,)
"""Models to add to the OpenAPI document, because only a body refers to them."""

_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_EXAMPLE = {"inputs": [{"name": "TEXT", "shape": [1], "datatype": "BYTES", "data": ["red shoes"]}]}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/InferIn"},
                "example": _EXAMPLE,
            },
            **_BINARY,
        },
    }
}


@router.post(
    "/v2/models/{model}/infer",
    summary="Embed pixels, pictures or texts",
    responses=openapi.error_responses(404, 408, 409, 413, 415, 429)
    | {200: {"model": InferOut, "content": _BINARY}},
    openapi_extra=_BODY,
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
@router.post(
    "/v2/models/{model}/versions/{version}/infer",
    include_in_schema=False,
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
def infer(
    request: Request, parts: RequestServices, named: Named, statistics: Counted, body: bodies.Body
) -> Response:
    """Embed the pictures or texts of one input; unit vectors are returned in the same order.

    As the protocol requires, the request succeeds or fails as a whole: an error names the first element that has no
    vector. `/v1/embed` reports each one.
    """
    with statistics.request(named.model) as lap:
        plain = bodies.decoded_body(body, request.headers.get("content-encoding"))
        asked = read_request(plain, request.headers.get(HEADER_LENGTH))
        outputs = [_output(asked, one) for one in asked.outputs] or [(OUTPUT, asked.binary)]
        vectors = _vectors(parts, named, asked, lap)
        head = {"model_name": named.name, "model_version": VERSION}
        written = write_answer(_with_id(head, asked.id), vectors, outputs)
        lap.mark("compute_output")
    if written.header_length is None:
        return Response(written.body, media_type="application/json")
    return Response(
        written.body,
        media_type="application/octet-stream",
        headers={HEADER_LENGTH: str(written.header_length)},
    )


def _with_id(head: dict[str, Any], request_id: str | None) -> dict[str, Any]:
    return head if request_id is None else head | {"id": request_id}


def _output(asked: InferRequest, wanted: OutputIn) -> tuple[str, bool]:
    if wanted.name.upper() not in SYNONYMS:
        raise BadInput(f"There is no output {wanted.name}.", hint=f"The output is {OUTPUT}.")
    if wanted.parameters.get("classification"):
        raise BadInput("An embedding has no classes; leave out classification.")
    return wanted.name, bool(wanted.parameters.get("binary_data", asked.binary))


def _vectors(
    parts: Services, named: ServedModel, asked: InferRequest, lap: Lap
) -> NDArray[np.float32]:
    """Return the unit vectors, float32 [n, dimension]; raise the first query's error."""
    queries = questions(asked.tensor)
    lap.mark("compute_input")
    limit = parts.settings.query_timeout
    timeout = limit if asked.timeout is None else min(limit, asked.timeout)
    answers = embed_questions(parts, named, queries, timeout=timeout).answers
    lap.mark("compute_infer")
    lap.embedded = len(queries)
    return np.stack([_vector(number, answer) for number, answer in enumerate(answers)])


def _vector(number: int, answer: QueryAnswer) -> NDArray[np.float32]:
    if isinstance(answer, QueryVector):
        return answer.vector
    if isinstance(answer, BadInput):
        raise BadInput(f"Element {number}: {answer.message}", hint=answer.hint)
    raise answer
