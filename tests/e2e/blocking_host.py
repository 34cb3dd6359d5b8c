"""A shop that holds every request until its doors open, so that work stays in progress without sleeping."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

BACK = "back/"
"""Prefix of paths in the back room."""


class HeldShop(ThreadingHTTPServer):
    """Serves one small picture at every path once `doors` are open; the back room also waits for `back_doors`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.doors = threading.Event()
        self.back_doors = threading.Event()
        stream = io.BytesIO()
        Image.effect_noise((48, 48), 80).convert("RGB").save(stream, "JPEG")
        self.picture = stream.getvalue()
        super().__init__(("127.0.0.1", 0), _Counter)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.server_address[1]}"

    def urls(self, count: int, *, room: str = "") -> list[str]:
        """Return `count` different URLs, in the shop or in its `BACK` room."""
        return [f"http://{self.address}/{room}{number}.jpg" for number in range(count)]

    def open(self) -> None:
        """Open every door."""
        self.doors.set()
        self.back_doors.set()

    def shut(self) -> None:
        """Close every door."""
        self.doors.clear()
        self.back_doors.clear()


class _Counter(BaseHTTPRequestHandler):
    server: HeldShop

    def do_GET(self) -> None:
        self.server.doors.wait()
        if self.path.startswith(f"/{BACK}"):
            self.server.back_doors.wait()
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.picture)))
        self.end_headers()
        self.wfile.write(self.server.picture)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""


@contextmanager
def held_shop() -> Iterator[HeldShop]:
    """Run a shop with closed doors; they open at the latest when the block ends."""
    with HeldShop() as shop:
        thread = threading.Thread(target=shop.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield shop
        finally:
            shop.open()
            shop.shutdown()
            thread.join()
