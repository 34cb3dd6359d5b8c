"""Limits the memory of transfers: decides which may keep receiving and which must wait.

A transfer asks `MemoryBudget` before it keeps a piece of a body. If the budget is full, the transfer is paused. Only the
oldest transfer may always continue once nothing but transfers holds bytes. So memory is bounded by the limit plus one
picture, and something always ends and releases its bytes: a decoder or the oldest transfer.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from workers.byte_budget import ByteBudget, ByteReservation

T = TypeVar("T")

_WEIGHT_OF_LATEST = 1 / 8
"""Weight of the latest size in the running mean: a catalog's pictures are similar in size, and one thumbnail must not
let too many transfers start."""


class MemoryBudget(Generic[T]):
    """Counts bytes per owner, oldest owner first. Not thread-safe."""

    def __init__(self, held: ByteBudget) -> None:
        self._all = held
        self.used = 0  #: Bytes that owners hold; the rest of `held` has been handed over.
        self._held: dict[T, int] = {}  # insertion order is age
        self._waiting: dict[T, None] = {}
        self._typical = 0.0

    def may_enter(self) -> bool:
        """Return whether one more should begin: by recent sizes, it and the rest of the running transfers fit.

        A transfer that begins without enough space is paused in the middle, and its timeout keeps running.
        """
        coming = (len(self._held) + 1) * self._typical - self.used
        alone = not self._held and not self._all.total
        return alone or self._all.has_room(max(0, round(coming)))

    def enter(self, owner: T) -> None:
        """Begin to count for an owner, which becomes the youngest."""
        self._held[owner] = 0

    def take(self, owner: T, size: int) -> bool:
        """Count `size` more bytes; return False if the owner must wait until `woken` names it."""
        # Always ask the shared budget first: it only signals free space after a refusal.
        if not self._all.take(size):
            if not self._first(owner):
                self._waiting[owner] = None
                return False
            self._all.take(size, anyway=True)
        self._held[owner] += size
        self.used += size
        return True

    def hand_over(self, owner: T) -> ByteReservation:
        """Turn an owner's bytes into a reservation, which counts them until it is released."""
        size, self._held[owner] = self._held[owner], 0
        self.used -= size
        self._typical += (size - self._typical) * (_WEIGHT_OF_LATEST if self._typical else 1)
        return ByteReservation(self._all, size)

    def leave(self, owner: T) -> None:
        """Release everything that an owner still holds."""
        size = self._held.pop(owner)
        self._waiting.pop(owner, None)
        self.used -= size
        self._all.give_back(size)

    def woken(self) -> list[T]:
        """Return the owners that may try again: all that wait if there is space, else only the oldest owner, if it waits."""
        if not self._waiting:
            return []
        room = self._all.has_room(1)
        chosen = [owner for owner in self._waiting if room or self._first(owner)]
        for owner in chosen:
            del self._waiting[owner]
        return chosen

    def _first(self, owner: T) -> bool:
        """Return whether everything would stall without this owner: it is the oldest, and no decoder holds any bytes."""
        return owner == next(iter(self._held)) and self._all.total == self.used
