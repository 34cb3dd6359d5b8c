"""Hosts of a catalog's pictures: good, slow, endless, flapping, or rate-limiting.

Each `Host` listens on its own port, so the fetcher sees it as a separate host. It counts its requests, which
shows work that was done twice.
"""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from PIL import Image

MARK = b"VITRINE-FAULT:"
"""Appended to a picture's bytes: decoders ignore it, the injected faults look for it."""

Answer = Callable[["_Handler", str], None]


def drawn(number: int) -> bytes:
    """Draw a small PNG, different for every number."""
    red, green, blue = number % 251, number // 251 % 241, number // 60_491 % 239
    picture = Image.new("RGB", (40, 40), (red, green, blue))
    picture.paste((255 - red, 255 - green, 128), (number % 30, 4, number % 30 + 9, 36))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def marked(number: int, fault: str) -> bytes:
    """Return the same picture, marked for an injected fault."""
    return drawn(number) + MARK + fault.encode()


def bomb(side: int = 20_000) -> bytes:
    """Return a PNG of a few kilobytes that decodes to `side` x `side` pixels."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(side // 8 + 1) * side, 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    )


class Host:
    """A host of pictures while the `with` block runs; `/N` is picture N."""

    def __init__(
        self, answer: Answer | None = None, *, faults: dict[int, str] | None = None
    ) -> None:
        self._server = _Server(("127.0.0.1", 0), answer or _good, faults or {})
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="host", daemon=True
        )

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> Counter[str]:
        """The number of requests for each path."""
        return self._server.asked

    def again(self) -> int:
        """Return how many requests were repeats."""
        return sum(count - 1 for count in self.asked.copy().values())

    def url(self, number: int) -> str:
        """Return the URL of a picture."""
        return f"http://{self.address}/{number}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _good(handler: _Handler, path: str) -> None:
    number = int(path)
    fault = handler.server.faults.get(number)
    handler.send(200, drawn(number) if fault is None else marked(number, fault))


def missing(handler: _Handler, path: str) -> None:
    """Answer 404 for every picture."""
    handler.send(404, f"no {path}".encode())


class Busy:
    """Answers 429 for some seconds, `times` times, each after `after` pictures; counts requests that ignore it."""

    GRACE = 0.5
    """Seconds in which requests that were already on their way may still arrive."""

    def __init__(self, times: int, seconds: int, *, after: int) -> None:
        self._lock = threading.Lock()
        self._left = times
        self._seconds = seconds
        self._after = after
        self._given = 0
        self._began = -float("inf")
        self.refused = 0  #: Requests that were answered with 429.
        self.early = 0  #: Those of them that ignored an earlier 429.

    def __call__(self, handler: _Handler, path: str) -> None:
        """Answer one request."""
        if self._alone(time.monotonic()):
            handler.send(429, b"", {"Retry-After": str(self._seconds)})
        else:
            _good(handler, path)

    def _alone(self, now: float) -> bool:
        with self._lock:
            passed = now - self._began
            if passed < self._seconds:
                self.early += passed > self.GRACE
            elif self._left and self._given >= self._after:
                self._left, self._given, self._began = self._left - 1, 0, now
            else:
                self._given += 1
                return False
            self.refused += 1
            return True


def flapping(handler: _Handler, path: str) -> None:
    """Fail the first request for every picture, and answer the second."""
    if handler.server.asked[path] % 2:
        handler.send(503, b"")
    else:
        _good(handler, path)


def endless(handler: _Handler, path: str) -> None:
    """Send a picture that never ends, a byte at a time."""
    handler.begin(200, {"Content-Length": str(len(path) + 1_000_000)})
    with suppress(OSError):
        while True:
            handler.wfile.write(b"\xff")
            handler.wfile.flush()
            time.sleep(0.2)


def silent(handler: _Handler, path: str) -> None:
    """Take every request and never answer."""
    handler.server.closing.wait()


def bombs(handler: _Handler, path: str) -> None:
    """Send pictures of 400 megapixels in a few kilobytes."""
    handler.send(200, handler.server.bomb())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], answer: Answer, faults: dict[int, str]) -> None:
        super().__init__(address, _Handler)
        self.answer = answer
        self.faults = faults
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        self._bomb: bytes | None = None
        self.closing = threading.Event()

    def bomb(self) -> bytes:
        """Return the bomb, which is made once."""
        self._bomb = self._bomb or bomb()
        return self._bomb

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Count and answer one request."""
        path = urlsplit(self.path).path.removeprefix("/")
        with self.server.lock:
            self.server.asked[path] += 1
        self.server.answer(self, path)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """Send the response head."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a whole response."""
        self.begin(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""
