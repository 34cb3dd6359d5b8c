"""A TCP gate in front of a server: it forwards, cuts, freezes, refuses, or answers in the server's place.

It injects faults of a network and of an overloaded server on real sockets, without either side noticing. It uses one
thread with its own event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.patience import PATIENCE

T = TypeVar("T")
_PIECE = 256 * 1024
_LENGTH = re.compile(rb"(?i)content-length:\s*(\d+)")


@dataclass(eq=False)
class _Link:
    """A client's connection and the matching connection to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    flowing: asyncio.Event = field(default_factory=asyncio.Event)


class Gate:
    """Forwards to `127.0.0.1:port` while the `with` block runs."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)
        self._links: set[_Link] = set()
        self._listener: asyncio.Server | None = None
        self._answer: bytes | None = None
        self._hanging = False
        self.port = 0  #: The port for clients.
        self.connections = 0  #: Accepted so far.
        self.answered = 0  #: Requests answered in the server's place so far.

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen(0))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._shut())
        self._do(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """Break every open connection; return how many there were."""
        return self._do(self._cut())

    def freeze(self) -> int:
        """Stop forwarding on the open connections, which become half-open; new ones are forwarded."""
        return self._do(self._freeze())

    def refuse(self) -> None:
        """Refuse new connections and break the open ones."""
        self._do(self._shut())

    def hang(self) -> None:
        """Take every request and never answer; open connections are broken first."""
        self._hanging = True
        self.cut()

    def answer(self, response: bytes) -> None:
        """Answer each HTTP request with this response, in the server's place; open connections are broken first."""
        self._answer = response
        self.cut()

    def restore(self) -> None:
        """Forward everything again; connections made under a fault are broken."""
        self._answer, self._hanging = None, False
        self.cut()
        if self._listener is None:
            self._do(self._listen(self.port))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self, port: int) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_PIECE)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        await self._cut()

    async def _finish(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self) -> int:
        links = list(self._links)
        for link in links:
            for side in (link.client, link.server):
                if side is not None:
                    side.transport.abort()
        return len(links)

    async def _freeze(self) -> int:
        for link in self._links:
            link.flowing.clear()
        return len(self._links)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(writer)
        link.flowing.set()
        self._links.add(link)
        try:
            if self._hanging:
                await asyncio.Event().wait()
            elif self._answer is not None:
                await self._stand_in(reader, writer, self._answer)
            else:
                await self._forward(link, reader)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # One side has gone, or the gate closes.
        finally:
            self._links.discard(link)
            writer.transport.abort()

    async def _stand_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, response: bytes
    ) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            # Read the whole request: a client that is cut off while sending sees a broken connection, not a response.
            await reader.readexactly(int(length[1]) if length else 0)
            self.answered += 1
            writer.write(response)
            await writer.drain()

    async def _forward(self, link: _Link, reader: asyncio.StreamReader) -> None:
        from_server, link.server = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            pumps = [
                asyncio.create_task(_pump(link, reader, link.server)),
                asyncio.create_task(_pump(link, from_server, link.client)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            link.server.transport.abort()


async def _pump(link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            await link.flowing.wait()
            writer.write(piece)
            await writer.drain()


def response(status: str, *, retry_after: int | None = None) -> bytes:
    """Return an HTTP response without a body, like that of a load balancer in front of a dead server."""
    asked = "" if retry_after is None else f"Retry-After: {retry_after}\r\n"
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n{asked}\r\n".encode()
