"""Error responses: every error is returned as `application/problem+json` (RFC 9457).

One table lists the kinds. A `VitrineError` has its code, status, message and hint; refusals by FastAPI and
Starlette (validation, unknown route, method, size) get the same format. Any other exception is a fault of
the service: 500, with an instance id to search for in the log and no detail.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_hints import hint_of
from vitrine.core.errors import VitrineError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5.0
"""Retry-After of a 503 if the failed part gives no time: about the duration of a supervisor's restart."""
MAX_FIELD_ERRORS = 20
"""Field errors returned at most, even for a body of 10,000 bad items."""

TITLES: Mapping[str, str] = {
    "bad_request": "The request cannot be read",
    "bad_input": "Invalid request",
    "unauthorised": "An API key is needed",
    "forbidden": "Not allowed",
    "not_found": "Not found",
    "conflict": "Not possible in the current state",
    "space_mismatch": "Different embedding space",
    "method_not_allowed": "Method not allowed",
    "too_slow": "The body arrived too slowly",
    "too_large": "Body too large",
    "catalog_too_large": "Catalog too large",
    "unsupported_media_type": "Unsupported media type",
    "full": "The queue is full",
    "too_fast": "Too many requests",
    "not_served": "Not implemented",
    "unavailable": "Service unavailable",
    "ledger_unavailable": "Ledger unavailable",
    "store_unavailable": "Vector store unavailable",
    "feed_unavailable": "Feed unavailable",
    "store_rejected": "Vector store error",
    "model_unavailable": "Model unavailable",
    "not_ready": "Not ready",
    "internal": "Internal error",
}
"""Code to title: the complete list of errors that a client can get. Any other code gets a generic title."""

_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """Return the response; `members` are extensions as of RFC 9457, with JSON values."""
    body: dict[str, Any] = {
        "type": f"urn:vitrine:problem:{code}",
        "title": TITLES.get(code, "The request failed"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if hint:
        body["hint"] = hint
    return JSONResponse(body | members, status, headers=headers, media_type=MEDIA_TYPE)


def of_error(error: VitrineError) -> JSONResponse:
    """Return the response for a `VitrineError`, with Retry-After if a retry can help."""
    headers = {}
    if error.retryable:
        seconds = getattr(error, "retry_after", None) or RETRY_AFTER_SECONDS
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    return problem(
        error.http_status, error.code, error.message, hint=hint_of(error), headers=headers
    )


def of_validation(errors: Sequence[Mapping[str, Any]]) -> JSONResponse:
    """Return a 422 from pydantic's errors; it names each field and never repeats the client's values."""
    found = [
        {"field": _field(error["loc"]), "message": error["msg"].removeprefix("Value error, ")}
        for error in errors[:MAX_FIELD_ERRORS]
    ]
    first = found[0]
    detail = f"{first['field']}: {first['message']}" if first["field"] else str(first["message"])
    if len(errors) > 1:
        detail += f" (and {len(errors) - 1} more)"
    return problem(422, "bad_input", detail, errors=found)


def _field(location: Sequence[str | int]) -> str:
    """Return `items[3].images[0]` for `("body", "items", 3, "images", 0)`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    for source in ("body.", "query.", "path.", "header."):
        path = path.removeprefix(source)
    return "" if path == "body" else path


async def _on_vitrine_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, VitrineError)  # noqa: S101 - Starlette's handlers are typed by Exception
    if error.http_status >= 500:
        logger.warning("%s: %s", error.code, error)
    return of_error(error)


async def _on_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - same
    return of_validation(error.errors())


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - same
    code = _CODES.get(error.status_code, "bad_request")
    detail = str(error.detail)
    if detail in {"Not Found", "Method Not Allowed"}:
        detail = f"{request.method} {request.url.path} is not a route; see /docs."
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = _allowed(request) or headers["Allow"]
    return problem(error.status_code, code, detail, headers=headers)


def _allowed(request: Request) -> str:
    """Return all methods of the path; Starlette lists only those of the first matching route."""
    routes: Sequence[APIRoute] = request.app.state.routes
    fitting = [route for route in routes if route.path_regex.match(request.url.path)]
    return ", ".join(sorted({method for route in fitting for method in route.methods or ()}))


class UnhandledErrors:
    """ASGI middleware: logs an unexpected exception once, with its traceback, and returns a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; return a 500 if it raises before its response has started."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # The client has disconnected, and nothing is wrong here.
            return
        except Exception:
            if scope["type"] != "http" or started:
                raise
            fault = f"urn:uuid:{uuid.uuid4()}"
            logger.exception("%s %s failed (%s)", scope["method"], scope["path"], fault)
            answer = problem(
                500, "internal", "Something went wrong on our side.",
                hint="The log has the details under this instance.", instance=fault,
            )  # fmt: skip
            await answer(scope, receive, send)


def install_error_handlers(app: FastAPI) -> None:
    """Install the handlers that return all errors of the app as problems."""
    app.add_exception_handler(VitrineError, _on_vitrine_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_middleware(UnhandledErrors)
