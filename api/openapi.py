"""The OpenAPI document: every route lists its errors, with one schema and an example of each, and the scope of its key."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.dialect_errors import SHAPES, shape_of
from api.permissions import OPEN, need_of
from api.problems import MEDIA_TYPE, TITLES
from api.schemas.base import Problem

Responses = dict[int | str, dict[str, Any]]

_EXAMPLES: dict[int, tuple[str, str, str | None]] = {
    400: ("bad_request", "Invalid multipart data.", None),
    401: ("unauthorised", "This needs an API key.", "Send it as `Authorization: Bearer KEY`."),
    403: ("forbidden", "The key shop lacks the scope submit.", "It has read."),
    404: ("not_found", "There is no collection summer.", "These exist: winter."),
    409: ("conflict", "The job 3f2a9c04d1be is finished.", None),
    408: ("too_slow", "The body arrived too slowly.", None),
    413: ("too_large", "The body is larger than the 1,048,576 bytes allowed.", None),
    415: ("unsupported_media_type", "Send application/json or multipart/form-data.", None),
    422: ("bad_input", "items[3].images: Field required", None),
    429: (
        "full",
        "1,000,000 pictures are already waiting.",
        "Try again when the workers have caught up.",
    ),
    500: ("internal", "Something went wrong on our side.", "The log has the details."),
    501: ("not_served", "Shared memory is not served.", None),
    502: ("store_rejected", "The store refused the request.", None),
    503: ("ledger_unavailable", "Redis does not answer (ConnectionError).", "Start it."),
}

_HEADERS = {
    401: ("WWW-Authenticate", "How to authenticate.", "string"),
    429: ("Retry-After", "Seconds.", "integer"),
    503: ("Retry-After", "Seconds.", "integer"),
}
_KEY = "api_key"
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key created by `vitrine keys new`. Not needed if the API listens on loopback without keys.",
}


def error_responses(*statuses: int) -> Responses:
    """Return a route's `responses` with these error statuses; 422, 500 and 503 are always included."""
    return {status: _shown(status) for status in sorted({*statuses, 422, 500, 503})}


def _shown(status: int) -> dict[str, Any]:
    code, detail, hint = _EXAMPLES[status]
    example: dict[str, Any] = {
        "type": f"urn:vitrine:problem:{code}",
        "title": TITLES[code],
        "status": status,
        "detail": detail,
        "code": code,
    }
    if hint:
        example["hint"] = hint
    schema = {"$ref": "#/components/schemas/Problem"}
    shown: dict[str, Any] = {
        "description": TITLES[code],
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if status in _HEADERS:
        name, description, kind = _HEADERS[status]
        shown["headers"] = {name: {"description": description, "schema": {"type": kind}}}
    return shown


def either_body(
    json_model: type[BaseModel], form: dict[str, Any], *, required: tuple[str, ...], example: Any
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that accepts JSON or a form.

    `form` maps the form's field names to schemas, `required` names the required ones, `example` is a JSON body.
    """
    form_schema = {"type": "object", "properties": form, "required": list(required)}
    model = json_model.model_json_schema(ref_template="#/components/schemas/{model}")
    model.pop("$defs", None)
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": model, "example": example},
                "multipart/form-data": {"schema": form_schema},
            },
        }
    }


def form_body(form: dict[str, Any], *, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that accepts only a form; `form` maps its field names to schemas."""
    schema = {"type": "object", "properties": form, "required": list(required)}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


def json_body(model: type[BaseModel], *, example: Any) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that parses its JSON itself; pass the model to `complete_document` too."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def complete_document(app: FastAPI, *referenced: type[BaseModel]) -> None:
    """Add to the app's document the schemas of errors and those that only bodies refer to."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description,
                routes=app.routes, tags=app.openapi_tags,
            )  # fmt: skip
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            _add(schemas, Problem)
            for model in referenced:
                _add(schemas, model)
            schemas.update({shape.name: shape.schema for shape in SHAPES})
            _secure(made)
            _speak(made)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _secure(document: dict[str, Any]) -> None:
    """Add to each route that requires a key the scope it needs and the errors of a refusal."""
    document["components"]["securitySchemes"] = {_KEY: _SCHEME}
    for path, operations in document["paths"].items():
        if path in OPEN:
            continue
        for method, operation in operations.items():
            operation["security"] = [{_KEY: [need_of(method.upper(), path).scope.value]}]
            for status in (401, 403, 429):
                operation["responses"].setdefault(str(status), _shown(status))


def _speak(document: dict[str, Any]) -> None:
    """Give the dialects' routes the error format in which `api.dialect_errors` sends errors."""
    for path, operations in document["paths"].items():
        shape = shape_of(path)
        if shape is None:
            continue
        schema = {"$ref": f"#/components/schemas/{shape.name}"}
        for operation in operations.values():
            told = operation["responses"]
            for status in [status for status, answer in told.items() if _is_problem(answer)]:
                answer = told.pop(status)
                example = shape.of(answer["content"][MEDIA_TYPE]["example"])
                answer["content"] = {"application/json": {"schema": schema, "example": example}}
                told.setdefault(str(shape.statuses.get(int(status), status)), answer)


def _is_problem(answer: dict[str, Any]) -> bool:
    return MEDIA_TYPE in answer.get("content", {})


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
