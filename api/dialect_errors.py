"""Errors in the format of each dialect: converts outgoing problems to the format of the path's dialect.

Every part that refuses a request (a route, the framework, the limits, the key check) returns a problem. This is the
outermost middleware: on a dialect's path it converts problems to the dialect's format and keeps the headers. So no
other part has to know which dialect the client uses.

::

    problem+json ──▶ a path of /v2? ──yes──▶ {"error": "detail and hint"}
                         │ no
                         ▼
                     unchanged
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import MEDIA_TYPE

Told = Mapping[str, Any]
"""A problem's members."""


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """A dialect's error format, and its JSON schema as the name and body of an OpenAPI component."""

    paths: re.Pattern[str]
    of: Callable[[Told], dict[str, Any]]
    name: str
    schema: dict[str, Any]
    statuses: Mapping[int, int] = field(default_factory=dict)
    """The problem's status to the dialect's, if they differ."""


def problem_sentence(told: Told) -> str:
    """Return a problem as one line: its detail and hint."""
    return f"{told['detail']} {told['hint']}" if told.get("hint") else str(told["detail"])


_ERROR = ErrorShape(
    re.compile(r"/v2(/.*)?", re.DOTALL),
    lambda told: {"error": problem_sentence(told)},
    "DialectError",
    {
        "type": "object",
        "title": "DialectError",
        "description": "An error in the format of RunPod and of the Open Inference Protocol.",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
        "additionalProperties": False,
    },
    {422: 400},
)
_OPENAI = ErrorShape(
    re.compile(r"/v1/(embeddings|models(/.*)?)", re.DOTALL),
    lambda told: {
        "error": {
            "message": problem_sentence(told),
            "type": "invalid_request_error" if told["status"] < 500 else "server_error",
            "param": told["errors"][0]["field"] if told.get("errors") else None,
            "code": "model_not_found" if told["code"] == "not_found" else told["code"],
        }
    },
    "OpenAIError",
    {
        "type": "object",
        "title": "OpenAIError",
        "description": "An error in OpenAI's format.",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                },
                "required": ["message", "type", "param", "code"],
                "additionalProperties": False,
            }
        },
        "required": ["error"],
        "additionalProperties": False,
    },
    {422: 400},
)
_UNHEALTHY: Mapping[str, dict[str, str]] = {"not_ready": {"status": "unhealthy"}}
_EVALUATOR = ErrorShape(
    re.compile(r"/(evaluator/.*|system/health)", re.DOTALL),
    lambda told: {"detail": problem_sentence(told)} | _UNHEALTHY.get(told["code"], {}),
    "EvaluatorError",
    {
        "type": "object",
        "title": "EvaluatorError",
        "description": "An error in the format of the CLIP-score service.",
        "properties": {
            "detail": {"type": "string"},
            "status": {"type": "string", "const": "unhealthy", "description": "In health only."},
        },
        "required": ["detail"],
        "additionalProperties": False,
    },
    {422: 400},
)
SHAPES: tuple[ErrorShape, ...] = (_ERROR, _OPENAI, _EVALUATOR)
"""The dialects with their own error formats; the first whose paths match is used."""


def shape_of(path: str) -> ErrorShape | None:
    """Return the error format of this path; None if its errors stay problems."""
    return next((shape for shape in SHAPES if shape.paths.fullmatch(path)), None)


class DialectErrors:
    """ASGI middleware: converts problems to the format of the path's dialect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and convert its response if it is a problem."""
        shape = shape_of(scope["path"]) if scope["type"] == "http" else None
        if shape is not None:
            send = _translated(shape, send)
        await self._app(scope, receive, send)


def _translated(shape: ErrorShape, send: Send) -> Send:
    held: Message | None = None
    body = bytearray()

    async def translating(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and _is_problem(message):
            held = message
        elif held is None:
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                start, content = _reshaped(shape, held, bytes(body))
                await send(start)
                await send({"type": "http.response.body", "body": content})

    return translating


def _is_problem(message: Message) -> bool:
    return MutableHeaders(raw=message["headers"]).get("content-type") == MEDIA_TYPE


def _reshaped(shape: ErrorShape, start: Message, body: bytes) -> tuple[Message, bytes]:
    content = orjson.dumps(shape.of(orjson.loads(body)))
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-type"] = "application/json"
    headers["content-length"] = str(len(content))
    status = shape.statuses.get(start["status"], start["status"])
    return {**start, "status": status, "headers": headers.raw}, content
