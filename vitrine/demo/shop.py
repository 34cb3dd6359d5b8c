"""A shop on loopback: an HTTP server for a folder of pictures, and for deliberately broken pictures.

`/pictures/NAME` serves only picture files below the folder. `/broken/…` has the faults of real shops: a page
instead of a picture, a truncated picture, one that is far too large (once with its length declared, once
without). Everything else is 404.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote, urlsplit

PICTURE_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
}
"""Content types of the served files, by suffix."""

PICTURES, BROKEN = "/pictures/", "/broken/"
MEBIBYTE = 1024 * 1024
HUGE_BYTES = 24 * MEBIBYTE
"""Length of a picture that is too large: above the default limit of 20 MiB, and any lower one."""
_PIECE = 64 * 1024
_PAGE = b"<!doctype html><title>Moved</title><p>This picture has moved to our new shop.</p>"
_JPEG_START = bytes.fromhex("ffd8ffe000104a46494600010100000100010000")


class Shop:
    """The server, in a separate thread while the `with` block runs."""

    def __init__(self, folder: Path, *, broken: bool = False, port: int = 0) -> None:
        """Bind the server; `broken` adds the `/broken/…` paths, for which the folder must contain a `.jpg`."""
        self._server = _Server(("127.0.0.1", port), folder.resolve(), broken=broken)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="shop", daemon=True
        )

    @property
    def address(self) -> str:
        """The `host:port` for `VITRINE_FETCH_ALLOW`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def picture_url(self, name: str) -> str:
        """Return the URL of a file, given its path relative to the folder (with `/`)."""
        return f"http://{self.address}{PICTURES}{quote(name)}"

    def broken_url(self, name: str) -> str:
        """Return the URL of a fault: `page.jpg`, `half.jpg`, `huge.jpg`, `endless.jpg`; any other is 404."""
        return f"http://{self.address}{BROKEN}{quote(name)}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # fetchers open dozens of connections at once

    def __init__(self, address: tuple[str, int], root: Path, *, broken: bool) -> None:
        super().__init__(address, _Handler)
        self.root = root
        self.broken = broken

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a client that disconnects midway (from a huge picture) is not an error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60.0
    # Head and body in one packet, sent immediately: otherwise each picture waits for a delayed ACK (40 ms).
    wbufsize = _PIECE
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Serve one request."""
        path = urlsplit(self.path).path
        if path.startswith(PICTURES):
            self._send_picture(unquote(path.removeprefix(PICTURES)))
        elif self.server.broken and path in _FAULTS:
            _FAULTS[path](self)
        else:
            self._refuse()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing: the job's failures show what went wrong."""

    def _send_picture(self, name: str) -> None:
        file = picture_beneath(self.server.root, name)
        if file is None:
            self._refuse()
        else:
            self._send(file.read_bytes(), PICTURE_TYPES[file.suffix.lower()])

    def _refuse(self) -> None:
        self._send(b"Not found.\n", "text/plain", status=404)

    def _send(self, body: bytes, kind: str, *, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_page(self) -> None:
        """Send a page that claims to be a picture."""
        self._send(_PAGE, "image/jpeg")

    def send_half(self) -> None:
        """Send the first half of a picture, with the half's length, so that only the image data is truncated."""
        whole = min(self.server.root.glob("*.jpg")).read_bytes()
        self._send(whole[: len(whole) // 2], "image/jpeg")

    def send_huge(self) -> None:
        """Send far too many bytes, with their length declared."""
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(HUGE_BYTES))
        self.end_headers()
        for piece in _huge():
            self.wfile.write(piece)

    def send_endless(self) -> None:
        """Send far too many bytes, without a declared length."""
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in _huge():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


_FAULTS: dict[str, Callable[[_Handler], None]] = {
    BROKEN + "page.jpg": _Handler.send_page,
    BROKEN + "half.jpg": _Handler.send_half,
    BROKEN + "huge.jpg": _Handler.send_huge,
    BROKEN + "endless.jpg": _Handler.send_endless,
}


def _huge() -> Iterator[bytes]:
    yield _JPEG_START + bytes(_PIECE - len(_JPEG_START))
    for _ in range(HUGE_BYTES // _PIECE - 1):
        yield bytes(_PIECE)


def picture_beneath(root: Path, name: str) -> Path | None:
    """Return the picture file with that relative path; None for anything but a picture below the root."""
    with suppress(OSError, ValueError):
        file = (root / name.lstrip("/")).resolve()
        if file.is_relative_to(root) and file.suffix.lower() in PICTURE_TYPES and file.is_file():
            return file
    return None


def pictures_beneath(root: Path) -> Iterator[str]:
    """Yield every picture below a folder, as a path relative to it with `/`, sorted by name."""
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(files):
            relative = (Path(folder) / name).relative_to(root).as_posix()
            if not name.startswith(".") and picture_beneath(root.resolve(), relative):
                yield relative
