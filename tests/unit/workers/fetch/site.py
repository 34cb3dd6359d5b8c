"""A web site on loopback that sends exactly the bytes that a test gives it, and records its requests."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

Handler: TypeAlias = Callable[[socket.socket], None]
"""Writes its own response to the connection, which is closed afterwards."""


def answer(status: int, body: bytes = b"", **fields: str) -> bytes:
    """Return a whole response; `Retry_After="1"` becomes `Retry-After: 1`. Content-Length is correct unless given."""
    fields.setdefault("Content_Length", str(len(body)))
    lines = [f"HTTP/1.1 {status} Whatever"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def redirect(location: str, status: int = 302) -> bytes:
    return answer(status, b"moved", Location=location)


class Site:
    """Serves `pages` by path with keep-alive and a thread per connection; everything else is a 404."""

    def __init__(
        self,
        pages: Mapping[str, bytes | Handler] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.pages: dict[str, bytes | Handler] = dict(pages or {})
        self.requests: list[str] = []
        self.heads: list[str] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._threads[0].start()

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"{'https' if self._tls else 'http'}://{self.authority}{path}"

    def stop(self) -> None:
        self.stopping.set()
        for connection in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        # Closing alone does not end `accept` on every system; one last connection does.
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), 1).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self.stopping.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self._tls is None:
                self._converse(connection)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                self._converse(secured)

    def _converse(self, connection: socket.socket) -> None:
        waiting = b""
        while piece := connection.recv(65536):
            waiting += piece
            while b"\r\n\r\n" in waiting:
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                path = head.split()[1].decode()
                self.heads.append(head.decode("latin-1"))
                self.requests.append(path)
                page = self.pages.get(path, answer(404))
                if not isinstance(page, bytes):
                    page(connection)
                    return
                connection.sendall(page)
