"""Limits on connections: on their number, and on the time that a client may let the server wait.

The HTTP server has no timeout for a request's head, nor for a client that does not read its response; a few
bytes now and then would hold a connection forever. Here one timer runs while the server waits for a head, and
another while it waits for the client to read. The timeout for bodies is in `api.middleware.body_timeout`.

::

    open ──▶ head awaited ──head──▶ in the app ──response──▶ head awaited ──▶ …
                  │ seconds                 │ the client does not read: seconds
                  ▼                         ▼
                closed                    closed
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from api.problems import MEDIA_TYPE, problem


def limited(seconds: float, most: int) -> type[H11Protocol]:
    """Return the protocol with these limits: seconds to wait for a client, and the maximum of open connections."""

    class Limited(_Timed):
        SECONDS = seconds
        MOST = most

    return Limited


class _Timed(H11Protocol):
    SECONDS: float
    MOST: int

    _head: asyncio.TimerHandle | None = None  #: Runs while the server waits for a head.
    _read: asyncio.TimerHandle | None = None  #: Runs while the server waits for the client to read.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.MOST:
            self._answer(503, "unavailable", "Too many connections are open.")
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._head)
        _cancel(self._read)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            _cancel(self._head)

    def on_response_complete(self) -> None:
        # Before the call, because a pipelined request may start within it.
        self._await_head()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        _cancel(self._read)
        self._read = self.loop.call_later(self.SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._read)

    def send_400_response(self, msg: str) -> None:
        self._answer(400, "bad_request", msg)

    def _await_head(self) -> None:
        _cancel(self._head)
        self._head = self.loop.call_later(self.SECONDS, self.transport.abort)

    def _answer(self, status: int, code: str, detail: str) -> None:
        """Send a problem without calling the app, and close the connection."""
        body = bytes(problem(status, code, detail).body)
        phrase = {400: "Bad Request", 503: "Service Unavailable"}[status]
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
