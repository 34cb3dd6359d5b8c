"""A pool of HTTP connections to one store process: standard library, no proxies, explicit timeouts."""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlsplit

from vitrine.core.errors import BadInput, StoreUnavailable

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0  #: A write may wait while a shard is copied, about 1 s for 100,000 points.
MAX_IDLE = 64  #: Idle connections to keep: one per thread of a worker or an API.


class ConnectionPool:
    """Connections for any number of threads. Each request uses a connection exclusively."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput("The store's URL has no http or https host.")
        self._secure = parts.scheme == "https"
        self._address = (parts.hostname, parts.port)
        self._headers = dict(headers)
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue(MAX_IDLE)
        self._closed = False

    @contextlib.contextmanager
    def post(self, path: str, body: bytes) -> Iterator[http.client.HTTPResponse]:
        """Send a request and lend the response. The connection is kept if the response was read to its end.

        The other side may have closed a kept connection meanwhile, so a request that fails on one before
        any response is sent again on a new connection; every operation can be repeated.
        Raises `StoreUnavailable` if nothing responds.
        """
        connection, response = self._send(path, body)
        try:
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnavailable(
                f"The store process closed the connection: {error!r}."
            ) from error
        finally:
            if response.isclosed() and not response.will_close and not self._closed:
                self._keep(connection)
            else:
                response.close()
                connection.close()

    def close(self) -> None:
        """Close the idle connections. Those in use close when they are returned."""
        self._closed = True
        while (connection := self._take()) is not None:
            connection.close()

    def _send(
        self, path: str, body: bytes
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kept = self._take()
        if kept is not None:
            try:
                return kept, self._ask(kept, path, body)
            except ConnectionError:
                kept.close()
            except (OSError, http.client.HTTPException) as error:
                kept.close()
                raise StoreUnavailable(f"The store process does not respond: {error!r}.") from error
        fresh = self._connection()
        try:
            return fresh, self._ask(fresh, path, body)
        except (OSError, http.client.HTTPException) as error:
            fresh.close()
            raise StoreUnavailable(f"The store process does not respond: {error!r}.") from error

    def _ask(
        self, connection: http.client.HTTPConnection, path: str, body: bytes
    ) -> http.client.HTTPResponse:
        if connection.sock is None:
            connection.connect()
            cast("socket.socket", connection.sock).settimeout(READ_SECONDS)
        connection.request("POST", path, body, self._headers)
        return connection.getresponse()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context)
        return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)

    def _take(self) -> http.client.HTTPConnection | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()
