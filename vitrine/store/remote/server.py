"""The store process: serves an embedded store over loopback HTTP to the API and the workers.

The embedded engine belongs to one process, but standalone runs several, any of which may die at any
moment. `POST /v1/{operation}` takes a frame (see `protocol`) and returns a frame; `/v1/scroll` returns
many, chunked. Every request needs the bearer token, because other users and web pages in a browser on the
same machine can reach a loopback port too.
"""

from __future__ import annotations

import hmac
import io
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from vitrine.core.errors import BadInput, StoreUnavailable
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.store.base import VectorStore
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.remote.operations import OPERATIONS, scroll
from vitrine.store.remote.protocol import MAX_BODY, encode_frame, error_as_json, read_frame

logger = logging.getLogger(__name__)

PREFIX = "/v1/"
MIN_TOKEN_LENGTH = 16  #: Characters; fewer could be guessed.
IDLE_SECONDS = 120.0  #: Connections without a request for this long are closed.


def serve(
    path: Path, host: str, port: int, token: str, *, options: StoreOptions = DEFAULTS
) -> StoreServer:
    """Open the store at `path` and listen; port 0 picks a free port. Call `serve_forever` to handle requests.

    Raises `BadInput` for a weak token, and `StoreUnavailable` if the store is open elsewhere or the
    address is in use.
    """
    if len(token) < MIN_TOKEN_LENGTH:
        raise BadInput(
            f"The store's token needs at least {MIN_TOKEN_LENGTH} characters.",
            hint="Set VITRINE_STORE_TOKEN, for instance to the output of `openssl rand -hex 16`.",
        )
    store = EmbeddedStore(path, options=options)
    try:
        return StoreServer(store, host, port, token)
    except OSError as error:
        store.close()
        raise StoreUnavailable(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


class StoreServer:
    """A listening store. It owns the store and closes it on shutdown."""

    def __init__(self, store: VectorStore, host: str, port: int, token: str) -> None:
        self._store = store
        self._http = _Server((host, port), store, token)
        self._asked_to_serve = False
        self._thread = threading.Thread(target=self.serve_forever, name="store-http")
        bound: tuple[Any, ...] = self._http.server_address
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{bound[1]}"

    def start(self) -> None:
        """Serve requests in a thread."""
        self._asked_to_serve = True
        self._thread.start()

    def serve_forever(self) -> None:
        """Serve requests until `shutdown` is called from another thread."""
        self._asked_to_serve = True
        self._http.serve_forever(poll_interval=0.2)

    def shutdown(self) -> None:
        """Stop listening, let running requests finish, then flush and close the store."""
        if self._asked_to_serve:
            self._http.shutdown()
        self._http.stop_reading()
        self._http.server_close()
        if self._thread.is_alive():
            self._thread.join()
        self._store.close()


class _Server(ThreadingHTTPServer):
    """One thread per connection. Tracks open connections, so that shutdown can end idle ones."""

    daemon_threads = False  # so that `server_close` waits for running requests
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], store: VectorStore, token: str) -> None:
        self.store = store
        self.expected = f"Bearer {token}".encode()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  the base's
        logger.debug("A client disconnected")

    def stop_reading(self) -> None:
        """Accept no more requests on open connections. Responses are still sent."""
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    logger.debug("A connection was already closed")


class _Handler(BaseHTTPRequestHandler):
    """Handles the requests of one connection, one after another."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # send status, headers and body together

    def do_POST(self) -> None:
        """Check, read and handle a request."""
        size = self._admitted()
        if size is None:
            return
        body = io.BytesIO(self.rfile.read(size))
        try:
            header, vectors = read_frame(body)
            name = self.path.removeprefix(PREFIX)
            if name == "scroll":
                self._stream(scroll(self.server.store, header))
            else:
                self._answer(200, OPERATIONS[name](self.server.store, header, vectors))
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  report any error to the client
            self._fail(error)

    def _admitted(self) -> int | None:
        """Return the body's size, or None if the request was refused, which also closes the connection."""
        size = self.headers.get("Content-Length", "")
        given = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self.server.expected):
            self._refuse(401, "The store's token is missing or wrong.")
        elif self.path != f"{PREFIX}scroll" and self.path.removeprefix(PREFIX) not in OPERATIONS:
            self._refuse(404, "Unknown operation.")
        elif not (size.isascii() and size.isdigit()):
            self._refuse(411, "A request needs its Content-Length.")
        elif len(size) > 12 or int(size) > MAX_BODY:
            self._refuse(413, f"A request has at most {MAX_BODY} bytes.")
        else:
            return int(size)
        return None

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True
        body = {"code": f"http_{status}", "message": message}
        self._answer(status, orjson.dumps(body), "application/json")

    def _fail(self, error: Exception) -> None:
        status, body = error_as_json(error)
        if status == 500:
            logger.error("Request %s failed", self.path, exc_info=error)
        self._answer(status, orjson.dumps(body), "application/json")

    def _answer(self, status: int, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _stream(self, frames: Iterator[bytes]) -> None:
        """Send frames as chunks. An error is sent as the last frame, because the status has already been sent."""
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for frame in frames:
                self._chunk(frame)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  report any error to the client
            self._chunk(encode_frame({"error": error_as_json(error)[1]}))
        self._chunk(b"")
        self.wfile.flush()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
        logger.debug(format, *args)
