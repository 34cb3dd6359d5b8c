"""Limits on the size of a body, both declared and received, and on the number of searches in flight.

The framework has a body limit too, but its 413 is plain text; this one is a problem like all other errors.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from vitrine.core.errors import QueueFull
from vitrine.core.settings import MEBIBYTE, Settings

SMALL_BODY = MEBIBYTE
"""Bytes of a body on routes that accept neither catalogs nor pictures."""
JSON_BODY = 32 * MEBIBYTE
"""Bytes of a JSON job: 10,000 items of 3 KB each."""
RUN_BODY = 10 * MEBIBYTE
RUNSYNC_BODY = 20 * MEBIBYTE
"""RunPod's limits; the body stays in Redis until it is processed."""
MULTIPART_SLACK = MEBIBYTE
"""Bytes for a form's other fields and its boundaries."""
EMBED_BODY = 64 * MEBIBYTE
"""Bytes of pictures to embed in one request, as uploads; as base64 in JSON, the limit is `JSON_BODY`."""

LARGE_BODY = 8 * MEBIBYTE
"""Bytes above which a body counts as large, as does one without a Content-Length; four raw pictures of 384 x 384 are not."""
LARGE_AT_ONCE = 8
"""Large bodies processed at the same time: JSON numbers take four times their text in memory, so 8 of 32 MiB take a gigabyte."""
FEEDS_AT_ONCE = 8
"""Feeds read from URLs at the same time: each holds a thread for as long as its host takes."""


def body_limit(settings: Settings) -> Callable[[str], int]:
    """Return the function that gives the limit in bytes for a path."""
    # Base64 is a third longer than the picture it encodes.
    search = settings.fetch_max_bytes * 4 // 3 + MULTIPART_SLACK
    catalog = settings.max_upload_bytes + MULTIPART_SLACK
    embed = max(search, EMBED_BODY)
    several = max(search, JSON_BODY)
    by_path = {
        "/v1/search": search, "/v1/jobs": catalog, "/v1/preview": catalog, "/v1/embed": embed,
        "/v1/score": several, "/v1/embeddings": several,
        "/evaluator/v1/evaluation/single": search, "/evaluator/v1/evaluation/batch": several,
    }  # fmt: skip
    dialects = (
        (re.compile(r"/v2/models/[^/]+(/versions/[^/]+)?/infer"), max(search, JSON_BODY)),
        (re.compile(r"/v2/[^/]+/run"), RUN_BODY),
        (re.compile(r"/v2/[^/]+/runsync"), RUNSYNC_BODY),
    )

    def limit(path: str) -> int:
        dialect = next((size for paths, size in dialects if paths.fullmatch(path)), SMALL_BODY)
        return by_path.get(path, dialect)

    return limit


class BodyTooLarge(HTTPException):
    """Raised as soon as a body exceeds the limit; an HTTPException, because FastAPI passes these on."""

    def __init__(self, limit: int) -> None:
        # The rest of the body is not read, so the connection cannot be reused.
        super().__init__(413, _sentence(limit), headers={"Connection": "close"})


class BodyLimit:
    """ASGI middleware: refuses a body by its Content-Length before a byte is read, and counts the bytes that arrive."""

    def __init__(self, app: ASGIApp, limit: Callable[[str], int]) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or return 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        if _declared(scope) > limit:
            answer = problem(413, "too_large", _sentence(limit), headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _counted(receive: Receive, limit: int) -> Receive:
    arrived = 0

    async def counting() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > limit:
            raise BodyTooLarge(limit)
        return message

    return counting


def _sentence(limit: int) -> str:
    return f"The body is larger than the {limit:,} bytes allowed."


class Admission:
    """A limit on the searches (or other work) in flight, so that slow workers do not make threads pile up.

    Entered and left only on the event loop, so it needs no lock.
    """

    def __init__(self, limit: int, what: str = "searches") -> None:
        self._limit = limit
        self._what = what
        self._inside = 0

    def __enter__(self) -> None:
        """Count one more; raise `QueueFull` at the limit."""
        if self._inside >= self._limit:
            raise QueueFull(
                f"{self._limit} {self._what} are already in progress.",
                retry_after=1.0,
                hint="Try again in a moment, or start more workers.",
            )
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        self._inside -= 1


async def search_slot(request: Request) -> AsyncIterator[None]:
    """Count a route's request as a search in flight (a dependency); raise `QueueFull` at the limit."""
    admission: Admission = request.app.state.admission
    with admission:
        yield


async def large_body_slot(request: Request) -> AsyncIterator[None]:
    """Limit the number of large bodies processed at the same time (a dependency); raise `QueueFull` at the limit."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= LARGE_BODY:
        yield
        return
    places: Admission = request.app.state.large_bodies
    with places:
        yield
