"""How many bytes of pictures something may hold, counted for all who put into it and take out of it.

A worker has two such counts: of what was fetched, from the first byte received to the end of the decoding, and of what
was decoded, until the batcher has it. One limit each bounds everything on the way between: where a later stage falls
behind, an earlier one begins nothing more until it has caught up. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class ByteBudget:
    """The count and its limit; `wake` is called once room has come that somebody was refused before."""

    def __init__(self, limit: int, wake: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.total = 0
        self.given_back = (
            0  #: Bytes given back so far; it only grows, so who looks twice sees whether any were.
        )
        self._wake = wake
        self._refused = False
        self._closed = False
        # Reentrant: a hold may be dropped by the garbage collector, wherever this thread happens to be.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def take(self, size: int, *, anyway: bool = False) -> bool:
        """Count `size` more bytes, with `anyway` whatever the limit says; False where there is no room."""
        with self._lock:
            if not anyway and not self.has_room(size):
                return False
            self.total += size
            return True

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes are within the limit; where not, `wake` is called when some are given back."""
        with self._lock:
            room = self.total + size <= self.limit
            self._refused |= not room
            return room

    def wait_and_take(self, size: int) -> bool:
        """Count `size` more bytes as soon as there is room, or nothing else is held; False once closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not self.total or self.total + size <= self.limit
            )
            self.total += 0 if self._closed else size
            return not self._closed

    def give_back(self, size: int) -> None:
        """Count `size` bytes less."""
        with self._lock:
            self.total -= size
            self.given_back += size
            self._changed.notify_all()
            wake, self._refused = self._refused and not self._closed, False
        # Without the lock: who is woken has a lock of its own, and asks for room under it.
        if wake:
            self._wake()

    def close(self) -> None:
        """Wake nobody any more, and let nobody wait."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()


class ByteReservation:
    """Bytes already counted, given back with the last reference to this, or by `release` before."""

    __slots__ = ("_held", "_size")

    def __init__(self, held: ByteBudget, size: int) -> None:
        self._held = held
        self._size = size

    def release(self) -> None:
        """Give the bytes back now; safe to call twice."""
        size, self._size = self._size, 0
        if size:
            self._held.give_back(size)

    def __del__(self) -> None:
        self.release()
