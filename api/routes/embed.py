"""`POST /v1/embed`: pictures and texts in, unit vectors out, each with its own outcome.

The workers batch pictures across requests, so clients need not collect pictures into large requests.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from api import openapi
from api.dependencies import RequestServices
from api.embedding import choose_model, embed_questions
from api.middleware.body_limit import large_body_slot, search_slot
from api.requests import bodies
from api.requests.image_inputs import Asked, EmbedOptions, by_base64, by_bytes, by_text, by_url
from api.responses import vector_encoding
from api.schemas.embed import MOST_INPUTS, EmbedIn, EmbedOut, InputIn

router = APIRouter(tags=["embeddings"])

_WAYS = ("image_url", "image_base64", "text")
_ONE_OF = "Give exactly one of image_url, image_base64 and text."
_MANY = {"type": "array", "maxItems": MOST_INPUTS}
_FORM: dict[str, Any] = {
    "image": {**_MANY, "items": {"type": "string", "format": "binary"}, "description": "Pictures."},
    "image_url": {**_MANY, "items": {"type": "string"}},
    "text": {**_MANY, "items": {"type": "string"}},
    "model": {"type": "string"},
    "encoding": {"type": "string", "enum": ["float", "base64"], "default": "float"},
    "grey": {"type": "boolean", "default": False},
    "fresh": {"type": "boolean", "default": False},
    "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": 300},
}
_EXAMPLE = {"inputs": [{"image_url": "https://shop.example/1042/front.jpg"}, {"text": "red shoes"}]}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ANSWERS: openapi.Responses = {
    200: {
        "model": EmbedOut,
        "description": "The outcome of each input, or one array if the Accept header names a binary format.",
        "content": {vector_encoding.NPY: _BINARY, vector_encoding.RAW: _BINARY},
        "headers": vector_encoding.HEADERS,
    }
}


@router.post(
    "/v1/embed",
    summary="Embed pictures and texts",
    responses=openapi.error_responses(400, 404, 408, 409, 413, 415, 429) | _ANSWERS,
    openapi_extra=openapi.either_body(EmbedIn, _FORM, required=(), example=_EXAMPLE),
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
def embed(
    request: Request,
    parts: RequestServices,
    body: Annotated[bodies.Body, Depends(bodies.json_or_files)],
) -> Response:
    """Embed up to 1,000 inputs; results are in the same order. An input that fails gets an error and does not affect the others.

    In a form, the inputs are the `image` files and the `image_url` and `text` fields, which can be repeated, in the order
    in which they are sent. Base64 encodes little-endian float32. `Accept: application/x-npy` or `application/octet-stream`
    returns one array of rows; rows without a vector are NaN.
    """
    asked, inputs = _from_form(body) if isinstance(body, FormData) else _from_json(body)
    started = time.perf_counter()
    found = embed_questions(parts, choose_model(parts, asked.model), inputs, timeout=asked.timeout)
    took = round(1000 * (time.perf_counter() - started), 2)
    form = vector_encoding.wanted_bytes(request.headers.get("accept", ""))
    if form is not None:
        return vector_encoding.vectors_bytes(found, form)
    return vector_encoding.vectors_json(found, asked.encoding, took)


def _from_json(body: bytes) -> tuple[EmbedIn, list[Asked]]:
    asked = bodies.from_json(EmbedIn, body)
    alone = any(getattr(asked, way) is not None for way in _WAYS)
    if alone == (asked.inputs is not None):
        raise bodies.refuse_field("", "Give inputs, or one of image_url, image_base64 and text.")
    how = EmbedOptions(asked.grey, asked.fresh)
    if asked.inputs is None:
        return asked, [_one(asked, "", how)]
    return asked, [_one(given, f"inputs[{n}]", how) for n, given in enumerate(asked.inputs)]


def _one(given: InputIn, field: str, how: EmbedOptions) -> Asked:
    ways = [way for way in _WAYS if getattr(given, way) is not None]
    if len(ways) != 1:
        raise bodies.refuse_field(field, _ONE_OF)
    return _by(ways[0], getattr(given, ways[0]), how)


def _by(way: str, value: str, how: EmbedOptions) -> Asked:
    if way == "text":
        return by_text(value)
    return by_url(value, how) if way == "image_url" else by_base64(value, how)


def _from_form(form: FormData) -> tuple[EmbedIn, list[Asked]]:
    options: dict[str, str | UploadFile] = {}
    given: list[tuple[str, UploadFile | str]] = []
    for name, value in form.multi_items():
        if name in {"image", "image_url", "text"}:
            given.append((name, value))
        elif name in options:
            raise bodies.refuse_field(name, "Give it once.")
        else:
            options[name] = value
    if not 0 < len(given) <= MOST_INPUTS:
        raise bodies.refuse_field("", f"Give 1 to {MOST_INPUTS:,} of image, image_url and text.")
    asked = bodies.from_fields(EmbedIn, options)
    how = EmbedOptions(asked.grey, asked.fresh)
    return asked, [_of_form(name, value, how) for name, value in given]


def _of_form(name: str, value: UploadFile | str, how: EmbedOptions) -> Asked:
    if isinstance(value, UploadFile) != (name == "image"):
        raise bodies.refuse_field(name, "Only image can be a file, and it must be one.")
    if isinstance(value, UploadFile):
        return by_bytes(value.file.read(), how)
    checked = bodies.from_fields(InputIn, {name: value})
    return _by(name, getattr(checked, name), how)
