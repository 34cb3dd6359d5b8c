"""Errors as a dialect's clients read them: a problem on its way out is put into the shape of the path's dialect.

Whoever refuses a request (a route, the framework, the limits, the keys) answers with a problem. This middleware
is the outermost; what passes it on a dialect's path takes that dialect's form, with the same headers.
So no other part has to know who asks.

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
    """How a dialect tells an error, and the JSON schema of that, as an OpenAPI component's name and body."""

    paths: re.Pattern[str]
    of: Callable[[Told], dict[str, Any]]
    name: str
    schema: dict[str, Any]
    statuses: Mapping[int, int] = field(default_factory=dict)
    """The dialect's status where it is not the problem's."""


def problem_sentence(told: Told) -> str:
    """A problem in one line: what was wrong, and what to do."""
    return f"{told['detail']} {told['hint']}" if told.get("hint") else str(told["detail"])


_ERROR = ErrorShape(
    re.compile(r"/v2(/.*)?", re.DOTALL),
    lambda told: {"error": problem_sentence(told)},
    "DialectError",
    {
        "type": "object",
        "title": "DialectError",
        "description": "An error, as clients of RunPod and of the Open Inference Protocol read it.",
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
        "description": "An error, as OpenAI's clients read it.",
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
        "description": "An error, as clients of the CLIP-score service read it.",
        "properties": {
            "detail": {"type": "string"},
            "status": {"type": "string", "const": "unhealthy", "description": "Of health alone."},
        },
        "required": ["detail"],
        "additionalProperties": False,
    },
    {422: 400},
)
SHAPES: tuple[ErrorShape, ...] = (_ERROR, _OPENAI, _EVALUATOR)
"""The dialects whose errors are no problems; the first whose paths match is taken."""


def shape_of(path: str) -> ErrorShape | None:
    """The shape that errors of this path take; None for problems."""
    return next((shape for shape in SHAPES if shape.paths.fullmatch(path)), None)


class DialectErrors:
    """ASGI middleware: puts problems into the shape of the path's dialect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back."""
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
