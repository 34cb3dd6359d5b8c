"""Whose picture is decoded next: pure bookkeeping, no threads.

Queries go before bulk. Heavy pictures (by the size in their header) and light ones have lines of their own and take
turns, so that a picture of 50 megapixels, which keeps a thread for most of a second, holds up few others: while light
ones wait, heavy ones get half of the threads; and a light one goes at once where all that runs is heavy, in a thread
more than there are cores. After `QUERIES_IN_A_ROW` queries bulk that waits has a turn, so that searching without a pause
does not stop a load. Each of the two kinds may fill half of the memory that decoding has; a picture that is larger
than that goes alone among its kind.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from workers.batching import Lane
from workers.images.decode_cost import DecodeCost

T = TypeVar("T")

HEAVY_PIXELS = 16_000_000
"""About 60 ms of one core as a JPEG: below it waiting for a picture is waiting for a batch."""
QUERIES_IN_A_ROW = 32
"""Half of the queries that a worker takes at once; a bulk picture among so many delays the next one by a 32nd."""


class Weight(enum.Enum):
    """How long a picture keeps a thread."""

    LIGHT = "light"
    HEAVY = "heavy"


@dataclass(frozen=True, slots=True, eq=False)
class DecodeSlot(Generic[T]):
    """One picture to decode; from `next` to `done` it holds a thread and its bytes."""

    job: T
    lane: Lane
    weight: Weight
    size: int  #: Bytes that it takes at the peak.


@dataclass(slots=True)
class _Share:
    """What the running pictures of one weight hold."""

    limit: int
    running: int = 0
    held: int = 0

    def has_room(self, size: int) -> bool:
        return not self.running or self.held + size <= self.limit


class DecodeScheduler(Generic[T]):
    """The lines before the decoders. For one thread at a time.

    `threads` pictures run at once, and one light one more; `budget` is in bytes. While `bulk_may_go` says no,
    queries alone have turns.
    """

    def __init__(
        self, threads: int, *, budget: int, bulk_may_go: Callable[[], bool] = lambda: True
    ) -> None:
        self._threads = threads
        self._half = max(1, threads // 2)
        self._shares = {weight: _Share(budget // 2) for weight in Weight}
        self._lines: dict[tuple[Lane, Weight], deque[DecodeSlot[T]]] = {
            (lane, weight): deque() for lane in Lane for weight in Weight
        }
        self._last = Weight.HEAVY
        self._passed = 0  #: Queries that had their turn since bulk had one.
        self._bulk_may_go = bulk_may_go

    @property
    def held(self) -> int:
        """Bytes that the running pictures take."""
        return sum(share.held for share in self._shares.values())

    def add(self, job: T, burden: DecodeCost, *, lane: Lane) -> None:
        """Put a picture at the end of its line."""
        weight = Weight.HEAVY if burden.pixels > HEAVY_PIXELS else Weight.LIGHT
        self._lines[lane, weight].append(DecodeSlot(job, lane, weight, burden.nbytes))

    def ready(self) -> bool:
        """Whether `next` has a picture to give."""
        return self._choose() is not None

    def next(self) -> DecodeSlot[T] | None:
        """The picture whose turn it is, running from now on until `done`; None where none may go."""
        turn = self._choose()
        if turn is None:
            return None
        self._lines[turn.lane, turn.weight].popleft()
        share = self._shares[turn.weight]
        share.running += 1
        share.held += turn.size
        self._last = turn.weight
        self._passed = self._passed + 1 if turn.lane is Lane.QUERY else 0
        return turn

    def done(self, turn: DecodeSlot[T]) -> None:
        """Say that a running picture is decoded, and its full size gone."""
        share = self._shares[turn.weight]
        share.running -= 1
        share.held -= turn.size

    def drain(self) -> Iterator[T]:
        """Remove every waiting picture."""
        for line in self._lines.values():
            while line:
                yield line.popleft().job

    def _choose(self) -> DecodeSlot[T] | None:
        if self._passed >= QUERIES_IN_A_ROW:
            overdue = self._best(self._heads([Lane.BULK]))
            if overdue is not None and self._bulk_may_go():
                return overdue
        turn = self._best(self._heads(list(Lane)))
        # Asked last, and only for bulk that would go: who asks and is refused is woken later.
        held_up = turn is not None and turn.lane is Lane.BULK and not self._bulk_may_go()
        return None if held_up else turn

    def _best(self, heads: Iterator[DecodeSlot[T]]) -> DecodeSlot[T] | None:
        able = [turn for turn in heads if self._may_go(turn)]
        return min(able, key=lambda turn: (turn.lane, turn.weight is self._last), default=None)

    def _heads(self, lanes: Sequence[Lane]) -> Iterator[DecodeSlot[T]]:
        """The first of each weight: a bulk picture never passes a query of its own weight that waits for room."""
        for weight in Weight:
            for lane in lanes:
                if line := self._lines[lane, weight]:
                    yield line[0]
                    break

    def _may_go(self, turn: DecodeSlot[T]) -> bool:
        light, heavy = self._shares[Weight.LIGHT], self._shares[Weight.HEAVY]
        free = light.running + heavy.running < self._threads
        if turn.weight is Weight.LIGHT:
            return (free or not light.running) and light.has_room(turn.size)
        in_its_half = heavy.running < self._half or not self._light_waits()
        return free and in_its_half and heavy.has_room(turn.size)

    def _light_waits(self) -> bool:
        return any(self._lines[lane, Weight.LIGHT] for lane in Lane)
