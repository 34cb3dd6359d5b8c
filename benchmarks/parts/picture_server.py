"""A shop's picture host in a separate process: HTTP/1.1 with keep-alive on loopback, responding after a set latency.

`/N.jpg` returns picture N modulo the number of pictures. One thread, one event loop; a request costs about 0.1 ms
of CPU, so that the host is not the bottleneck on a small machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection

_REQUEST = re.compile(rb"GET /(\d+)\.jpg[^ ]* HTTP/1\.1\r\n")
_END = b"\r\n\r\n"
_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nCache-Control: max-age=3600\r\n"
    'ETag: "{number}"\r\nContent-Length: {length}\r\n\r\n'
)
_REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def serving(pictures: Sequence[bytes], *, latency: float) -> Iterator[str]:
    """Serve for the duration of the block, and yield the server's URL. `latency` delays each response, in seconds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, list(pictures), latency), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


class _Host(asyncio.Protocol):
    """Handles one connection."""

    def __init__(self, answers: Sequence[bytes], latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio passes to a server
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while _END in self._waiting:
            request, _, self._waiting = self._waiting.partition(_END)
            answer = self._answer(request + _END)
            asyncio.get_running_loop().call_later(self._latency, self._write, answer)

    def _answer(self, request: bytes) -> bytes:
        found = _REQUEST.match(request)
        return self._answers[int(found[1]) % len(self._answers)] if found else _REFUSAL

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _serve(port: Connection, pictures: list[bytes], latency: float) -> None:
    asyncio.run(_forever(port, pictures, latency))


async def _forever(port: Connection, pictures: list[bytes], latency: float) -> None:
    answers = [
        _HEAD.format(number=number, length=len(data)).encode() + data
        for number, data in enumerate(pictures)
    ]
    server = await asyncio.get_running_loop().create_server(
        lambda: _Host(answers, latency), "127.0.0.1", 0, backlog=512
    )
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
