"""A timeout for slow bodies: a body has some seconds, plus one more for each 64 KiB received.

So an upload of any size can use a slow line, while a client that sends a byte now and then occupies a connection
only for those seconds. It gets a 408, and the connection is closed.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_RATE = 64 * 1024
"""Bytes per second; half a megabit, slower than any line that is fit for sending pictures."""


class BodyTooSlow(HTTPException):
    """Raised if a body arrives too slowly; an HTTPException, because FastAPI passes these on."""

    def __init__(self) -> None:
        super().__init__(408, "The body arrived too slowly.", headers={"Connection": "close"})


class BodyTimeout:
    """ASGI middleware: ends requests whose body arrives too slowly."""

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
        if whole:  # Only a disconnect can follow, at any time until the response ends.
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
