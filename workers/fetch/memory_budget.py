"""Which transfers may go on keeping bytes, and who has to wait when it is too many.

A transfer asks before it keeps a piece of a body. Where `MemoryBudget` has no room it is told to wait, and is paused; only
the oldest one is always let on, once nothing but transfers holds any bytes. So the memory is bounded by the limit
plus one picture, and there is always something that ends and gives its bytes back: a decoder, or the oldest transfer.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from workers.byte_budget import ByteBudget, ByteReservation

T = TypeVar("T")

_WEIGHT_OF_LATEST = 1 / 8
"""In the running mean of sizes: a catalog's pictures are of a kind, and one thumbnail shall not open the gate."""


class MemoryBudget(Generic[T]):
    """Counts bytes by owner, oldest first. For one thread."""

    def __init__(self, held: ByteBudget) -> None:
        self._all = held
        self.used = 0  #: Bytes that owners hold; the others of `held` have been handed over.
        self._held: dict[T, int] = {}  # insertion order is age
        self._waiting: dict[T, None] = {}
        self._typical = 0.0

    def may_enter(self) -> bool:
        """Whether one more should begin: there is room for it and for the rest of those under way, going by the latest.

        A transfer that begins without room is paused in the middle, and its time runs out meanwhile.
        """
        coming = (len(self._held) + 1) * self._typical - self.used
        alone = not self._held and not self._all.total
        return alone or self._all.has_room(max(0, round(coming)))

    def enter(self, owner: T) -> None:
        """Begin to count for an owner, as the youngest."""
        self._held[owner] = 0

    def take(self, owner: T, size: int) -> bool:
        """Count `size` more bytes; False where the owner has to wait until `woken` names it."""
        # Asked first, so that who is refused is also woken.
        if not self._all.take(size):
            if not self._first(owner):
                self._waiting[owner] = None
                return False
            self._all.take(size, anyway=True)
        self._held[owner] += size
        self.used += size
        return True

    def hand_over(self, owner: T) -> ByteReservation:
        """What an owner holds, from now on counted until its hold is gone."""
        size, self._held[owner] = self._held[owner], 0
        self.used -= size
        self._typical += (size - self._typical) * (_WEIGHT_OF_LATEST if self._typical else 1)
        return ByteReservation(self._all, size)

    def leave(self, owner: T) -> None:
        """Give back all that an owner still holds."""
        size = self._held.pop(owner)
        self._waiting.pop(owner, None)
        self.used -= size
        self._all.give_back(size)

    def woken(self) -> list[T]:
        """Those that may try again, oldest first: all who wait where there is room, else the oldest of all."""
        if not self._waiting:
            return []
        room = self._all.has_room(1)
        chosen = [owner for owner in self._waiting if room or self._first(owner)]
        for owner in chosen:
            del self._waiting[owner]
        return chosen

    def _first(self, owner: T) -> bool:
        """Whether all would stand still if this one did: it is the oldest, and no decoder has anything to give back."""
        return owner == next(iter(self._held)) and self._all.total == self.used
