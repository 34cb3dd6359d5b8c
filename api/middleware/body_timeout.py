"""Bodies that drip: a body has some seconds, and one more for each 64 KiB of it that has arrived.

So an upload of any size may take its time over a slow line, while a byte now and then holds a place for
that many seconds only. It ends with 408 and a closed connection.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_RATE = 64 * 1024
"""Bytes a second; half a megabit, below any line over which pictures are worth sending."""


class BodyTooSlow(HTTPException):
    """Raised where a body does not come; an HTTPException, which FastAPI lets through."""

    def __init__(self) -> None:
        super().__init__(408, "The body came too slowly.", headers={"Connection": "close"})


class BodyTimeout:
    """ASGI middleware: cuts requests whose body drips."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a deadline on what it receives."""
        if scope["type"] == "http":
            receive = _timed(receive, self._seconds)
        await self._app(scope, receive, send)


def _timed(receive: Receive, seconds: float) -> Receive:
    deadline: float | None = None
    whole = False

    async def timed() -> Message:
        nonlocal deadline, whole
        if (
            whole
        ):  # What is awaited now is the client's going away, for as long as the answer takes.
            return await receive()
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow from None
        deadline += len(message.get("body", b"")) / LEAST_RATE
        whole = not message.get("more_body", False)
        return message

    return timed
