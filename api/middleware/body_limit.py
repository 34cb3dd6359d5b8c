"""How much is taken in: the size of a body, by what it says and by what arrives, and searches in flight.

The framework has a body limit too, but answers it in plain text; here a 413 is a problem like the others.
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
"""Bytes of a body on any route that takes neither a catalog nor a picture."""
JSON_BODY = 32 * MEBIBYTE
"""Bytes of a JSON job: 10,000 items of 3 KB each."""
RUN_BODY = 10 * MEBIBYTE
RUNSYNC_BODY = 20 * MEBIBYTE
"""What RunPod takes; the body lies in Redis until its turn comes."""
MULTIPART_SLACK = MEBIBYTE
"""Bytes for a form's other fields and its boundaries."""
EMBED_BODY = 64 * MEBIBYTE
"""Bytes of pictures to embed at once, as uploads; as base64 in JSON `JSON_BODY` of them."""

LARGE_BODY = 8 * MEBIBYTE
"""Bytes past which a body is large, or one whose length is not told: four raw pictures of 384 x 384 are not."""
LARGE_AT_ONCE = 8
"""Numbers in JSON take four times their text in memory: so many of 32 MiB are a gigabyte."""


def body_limit(settings: Settings) -> Callable[[str], int]:
    """The limit in bytes for a path."""
    # Base64 is a third longer than the picture in it.
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
    """Raised while a body arrives that is over the limit; an HTTPException, which FastAPI lets through."""

    def __init__(self, limit: int) -> None:
        # What is left of the body is not read, so the connection cannot be used again.
        super().__init__(413, _sentence(limit), headers={"Connection": "close"})


class BodyLimit:
    """ASGI middleware: refuses by Content-Length before a byte is read, and counts what arrives without one."""

    def __init__(self, app: ASGIApp, limit: Callable[[str], int]) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
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
    return f"The body is larger than the {limit:,} bytes taken here."


class Admission:
    """Counts searches, or what else it is made for, in flight and refuses past a limit, so that slow workers do not pile up threads.

    Entered and left on the event loop only, hence without a lock.
    """

    def __init__(self, limit: int, what: str = "searches") -> None:
        self._limit = limit
        self._what = what
        self._inside = 0

    def __enter__(self) -> None:
        """Go in; raises `QueueFull`."""
        if self._inside >= self._limit:
            raise QueueFull(
                f"{self._limit} {self._what} are in flight already.",
                retry_after=1.0,
                hint="Try again in a moment, or start more workers.",
            )
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        self._inside -= 1


async def search_slot(request: Request) -> AsyncIterator[None]:
    """A route's dependency: it is counted among the searches in flight; raises `QueueFull`."""
    admission: Admission = request.app.state.admission
    with admission:
        yield


async def large_body_slot(request: Request) -> AsyncIterator[None]:
    """A route's dependency: of large bodies only so many are taken in at once; raises `QueueFull`."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= LARGE_BODY:
        yield
        return
    places: Admission = request.app.state.large_bodies
    with places:
        yield
