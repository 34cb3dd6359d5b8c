"""Counts the bytes of pictures held in memory against a limit shared by everything that adds and releases them.

A worker has two such counts: fetched bytes, from the first byte received to the end of decoding, and decoded bytes,
until the batcher has them. Their limits create back-pressure: if a later stage falls behind, the earlier one starts
nothing new until it has caught up. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class ByteBudget:
    """The count and its limit; `wake` is called when bytes are released after a request was refused."""

    def __init__(self, limit: int, wake: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.total = 0
        self.given_back = 0  #: Total bytes released so far; it only grows, so a caller can detect releases between two reads.
        self._wake = wake
        self._refused = False
        self._closed = False
        # Reentrant: the garbage collector may drop a reservation at any point in this thread.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def take(self, size: int, *, anyway: bool = False) -> bool:
        """Count `size` more bytes; return False if they exceed the limit, which `anyway` ignores."""
        with self._lock:
            if not anyway and not self.has_room(size):
                return False
            self.total += size
            return True

    def has_room(self, size: int) -> bool:
        """Return whether `size` more bytes are within the limit; if not, `wake` is called when some are released."""
        with self._lock:
            room = self.total + size <= self.limit
            self._refused |= not room
            return room

    def wait_and_take(self, size: int) -> bool:
        """Wait until `size` more bytes fit, or nothing else is held, and count them; return False once closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not self.total or self.total + size <= self.limit
            )
            self.total += 0 if self._closed else size
            return not self._closed

    def give_back(self, size: int) -> None:
        """Release `size` bytes."""
        with self._lock:
            self.total -= size
            self.given_back += size
            self._changed.notify_all()
            wake, self._refused = self._refused and not self._closed, False
        # Call it without the lock: the woken side has its own lock, and calls `has_room` while holding it.
        if wake:
            self._wake()

    def close(self) -> None:
        """Stop calling `wake`, and end every wait."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()


class ByteReservation:
    """Counted bytes that are released by `release`, at the latest with the last reference to this object."""

    __slots__ = ("_held", "_size")

    def __init__(self, held: ByteBudget, size: int) -> None:
        self._held = held
        self._size = size

    def release(self) -> None:
        """Release the bytes now; safe to call twice."""
        size, self._size = self._size, 0
        if size:
            self._held.give_back(size)

    def __del__(self) -> None:
        self.release()
