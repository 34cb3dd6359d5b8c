"""The HTTP endpoint that serves a worker's metrics to Prometheus, on any path, in its own thread.

It requires no key. It exposes only counts: no URL, and no name of a host, item or job. It listens on loopback unless
`VITRINE_METRICS_HOST` says otherwise; then it must be on a network that the public cannot reach.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from vitrine.core.errors import Unavailable

CLIENT_SECONDS = 5.0
"""A client that sends or reads nothing for this long is disconnected."""
_ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


class Endpoint:
    """Binds the port when created; `refresh` is called before each response."""

    def __init__(
        self, registry: CollectorRegistry, host: str, port: int, refresh: Callable[[], object]
    ) -> None:
        """Raises `Unavailable` if the address cannot be bound; port 0 picks a free port."""
        self._host = host
        tell = make_wsgi_app(registry)

        def app(environ: Any, start_response: Any) -> Any:
            refresh()
            return tell(environ, start_response)

        try:
            self._server = _server_class(host)((host, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Unavailable(
                f"The worker's metrics cannot be served at {host} port {port}: {reason}.",
                hint="Set VITRINE_METRICS_PORT to a free port, 0 for any, or leave it blank for none.",
            ) from error
        self._server.set_app(app)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="metrics", daemon=True
        )

    @property
    def address(self) -> str:
        """`host:port` as other machines reach it; with this machine's name if it listens on all addresses."""
        host = socket.gethostname() if self._host in _ANYWHERE else self._host
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving and release the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        # WSGIServer's own method looks up this machine's full name in DNS, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors: a client that disconnects is not the worker's fault."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[_Server]:
    return _Server6 if ":" in host else _Server


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: a line per scrape has no value."""
