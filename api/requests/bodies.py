"""Reading of bodies, as JSON or a form: bytes are read on the event loop and parsed in the route's thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from api.middleware.body_limit import JSON_BODY, BodyTooLarge

MAX_FIELDS = 64
MAX_FILES = 1000
"""Files in a form that accepts many."""
MAX_FIELD_BYTES = 256 * 1024
"""Bytes of a form's text field; files are spooled to disk above 1 MB and limited by the size of the body."""

Model = TypeVar("Model", bound=BaseModel)
Body = bytes | FormData


async def json_or_form(request: Request) -> AsyncIterator[Body]:
    """Yield the body: bytes of JSON, or a form whose files are closed after the response. 415 for any other type."""
    async with _either(request, files=1, fields=MAX_FIELDS) as body:
        yield body


async def json_or_files(request: Request) -> AsyncIterator[Body]:
    """Yield the body like `json_or_form`, with up to `MAX_FILES` files in a form, and as many fields."""
    async with _either(request, files=MAX_FILES, fields=MAX_FILES) as body:
        yield body


@asynccontextmanager
async def _either(request: Request, *, files: int, fields: int) -> AsyncIterator[Body]:
    if _media_type(request) == "multipart/form-data":
        async with request.form(
            max_files=files, max_fields=fields, max_part_size=MAX_FIELD_BYTES
        ) as form:
            yield form
    elif _media_type(request) in {"", "application/json"}:
        yield await _json(request)
    else:
        raise HTTPException(415, "Send application/json or multipart/form-data.")


async def json_only(request: Request) -> bytes:
    """Return the bytes of JSON; 415 for any other type."""
    if _media_type(request) not in {"", "application/json"}:
        raise HTTPException(415, "Send application/json.")
    return await _json(request)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def form_only(request: Request) -> AsyncIterator[FormData]:
    """Yield a form, whose files are closed after the response; 415 for any other type."""
    if _media_type(request) != "multipart/form-data":
        raise HTTPException(415, "Send multipart/form-data.")
    async with request.form(
        max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
    ) as form:
        yield form


async def _json(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > JSON_BODY:
            raise BodyTooLarge(JSON_BODY)
    return bytes(body)


def from_json(model: type[Model], body: bytes) -> Model:
    """Parse a JSON body as the model; raise `RequestValidationError`, which names the field."""
    if not body:
        raise refuse_field("", "The body is empty.")
    try:
        # Strict, as documented: 0 is not false. Form fields are all text and are converted.
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise _refusal(error) from None


def from_fields(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """Parse a form's fields as the model; raise `RequestValidationError`, which names the field."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> RequestValidationError:
    return RequestValidationError(
        error.errors(include_url=False, include_context=False, include_input=False)
    )


def texts(form: FormData, *, literal: Container[str] = ()) -> dict[str, str]:
    """Return the form's text fields that are not blank, and the `literal` ones even if they are.

    Raises `RequestValidationError` for a field given twice.
    """
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) or not (value.strip() or name in literal):
            continue
        if name in found:
            raise refuse_field(name, "Give it once.")
        found[name] = value
    return found


def upload(form: FormData, name: str) -> UploadFile | None:
    """Return the file of that name, if there is one."""
    value = form.get(name)
    return value if isinstance(value, UploadFile) else None


def refuse_field(name: str, message: str) -> RequestValidationError:
    """Return the error of a 422 that names a field, for rules that pydantic does not check."""
    return RequestValidationError([{"loc": (name,), "msg": message, "type": "value_error"}])
