"""How many bytes unfinished transfers hold together, and who has to wait when it is too many.

A transfer asks before it keeps a piece of a body. Over the limit it is told to wait, and is paused; only the
oldest one is always let on. So the memory is bounded by the limit plus one picture, and there is
always one that moves, ends and gives its bytes back.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class ByteBudget(Generic[T]):
    """Counts bytes by owner, oldest first. For one thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._held: dict[T, int] = {}  # insertion order is age
        self._waiting: dict[T, None] = {}

    def enter(self, owner: T) -> None:
        """Begin to count for an owner, as the youngest."""
        self._held[owner] = 0

    def take(self, owner: T, size: int) -> bool:
        """Count `size` more bytes; False where the owner has to wait until `woken` names it."""
        if self.used + size > self.limit and owner != next(iter(self._held)):
            self._waiting[owner] = None
            return False
        self._held[owner] += size
        self.used += size
        return True

    def leave(self, owner: T) -> None:
        """Give back all that an owner holds: its bytes are the caller's now, or nobody's."""
        self.used -= self._held.pop(owner)
        self._waiting.pop(owner, None)

    def woken(self) -> list[T]:
        """Those that may try again, oldest first: all who wait where there is room, else the oldest of all."""
        if not self._waiting:
            return []
        oldest = next(iter(self._held))
        chosen = [owner for owner in self._waiting if self.used < self.limit or owner == oldest]
        for owner in chosen:
            del self._waiting[owner]
        return chosen
