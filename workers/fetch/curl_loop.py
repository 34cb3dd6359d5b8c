"""Runs curl's multi interface on a selector: sockets and timers in, ended transfers out.

It uses `socket_action` with a selector rather than `perform` with `select`, because that looks only at
sockets with activity and has no limit of 1,024 file descriptors, which a worker can exceed.
Everything except `wake` belongs to one thread.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from dataclasses import dataclass
from typing import Any

import pycurl

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_INTERESTS = {
    pycurl.POLL_IN: _READ,
    pycurl.POLL_OUT: _WRITE,
    pycurl.POLL_INOUT: _READ | _WRITE,
}


@dataclass(frozen=True, slots=True)
class EndedTransfer:
    """A transfer that ended: its handle, curl's code (0 on success) and curl's message."""

    curl: Any
    code: int
    message: str


class CurlLoop:
    """A `CurlMulti` that sleeps until a socket is ready, a timer expires or `wake` is called."""

    def __init__(self, max_connections: int) -> None:
        self._multi: Any = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        self._selector = selectors.DefaultSelector()
        self._deadline: float | None = None
        self._bell, self._ear = socket.socketpair()
        for end in (self._bell, self._ear):
            end.settimeout(0)
        self._selector.register(self._ear, _READ)

    def add(self, curl: Any) -> None:
        """Start a transfer."""
        self._multi.add_handle(curl)

    def remove(self, curl: Any) -> None:
        """Remove a transfer, ended or not; curl keeps its connection if it is still usable."""
        self._multi.remove_handle(curl)

    def wake(self) -> None:
        """Wake `step` up, from any thread."""
        # If the socket is full, enough wake-ups are already pending; if it is closed, nothing is sleeping.
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")

    def step(self, longest: float | None) -> list[EndedTransfer]:
        """Sleep for at most `longest` seconds (None: no limit), drive the transfers, and return those that ended."""
        for key, mask in self._selector.select(self._sleep(longest)):
            if key.fileobj is self._ear:
                self._ear.recv(4096)
            else:
                self._multi.socket_action(key.fd, _curl_events(mask))
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return self._ended()

    def close(self) -> None:
        """Close every connection. This can take as long as a running DNS lookup, because curl waits for its threads."""
        self._multi.close()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def _sleep(self, longest: float | None) -> float | None:
        if self._deadline is None:
            return longest
        until = max(0.0, self._deadline - time.monotonic())
        return until if longest is None else min(until, longest)

    def _ended(self) -> list[EndedTransfer]:
        ended: list[EndedTransfer] = []
        while True:
            queued, good, bad = self._multi.info_read()
            ended += [EndedTransfer(curl, 0, "") for curl in good]
            ended += [EndedTransfer(curl, code, message) for curl, code, message in bad]
            if not queued:
                return ended

    def _on_socket(self, what: int, fd: int, _multi: Any, _data: Any) -> None:
        interest = _INTERESTS.get(what)
        known = fd in self._selector.get_map()
        if interest is None:
            if known:
                self._selector.unregister(fd)
        elif known:
            self._selector.modify(fd, interest)
        else:
            self._selector.register(fd, interest)

    def _on_timer(self, milliseconds: int) -> None:
        # Only store the deadline: curl forbids calls into it from this callback.
        self._deadline = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def _curl_events(mask: int) -> int:
    events = 0
    if mask & _READ:
        events |= pycurl.CSELECT_IN
    if mask & _WRITE:
        events |= pycurl.CSELECT_OUT
    return events
