"""Decides which picture is decoded next: pure bookkeeping, without threads.

Queries go before bulk. Heavy pictures (by the size in their header) and light ones have separate queues that alternate, so
that a picture of 50 megapixels, which occupies a thread for most of a second, delays few others: while light ones
wait, heavy ones get at most half of the threads, and if only heavy ones run, a light one starts immediately in the one
thread beyond the number of cores. After `QUERIES_IN_A_ROW` queries a waiting bulk picture goes next, so that continuous
searching does not stop ingestion. Light and heavy pictures may each use half of the decoding memory; a picture larger
than that runs as the only one of its weight.
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
"""A JPEG of this size takes one core about 60 ms; decoding a smaller one takes no longer than a batch."""
QUERIES_IN_A_ROW = 32
"""Half of the queries that a worker takes at a time; one bulk picture per 32 queries delays the next query by a 32nd."""


class Weight(enum.Enum):
    """How long a picture occupies a thread."""

    LIGHT = "light"
    HEAVY = "heavy"


@dataclass(frozen=True, slots=True, eq=False)
class DecodeSlot(Generic[T]):
    """One picture to decode; from `next` to `done` it occupies a thread and its bytes."""

    job: T
    lane: Lane
    weight: Weight
    size: int  #: Its peak memory in bytes.


@dataclass(slots=True)
class _Share:
    """The memory used by the running pictures of one weight."""

    limit: int
    running: int = 0
    held: int = 0

    def has_room(self, size: int) -> bool:
        return not self.running or self.held + size <= self.limit


class DecodeScheduler(Generic[T]):
    """The decoders' queues. Not thread-safe.

    `threads` pictures run at a time, plus one light one; `budget` is in bytes. While `bulk_may_go` returns False,
    only queries are decoded.
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
        self._passed = 0  #: Queries started since the last bulk picture.
        self._bulk_may_go = bulk_may_go

    @property
    def held(self) -> int:
        """Bytes used by the running pictures."""
        return sum(share.held for share in self._shares.values())

    def add(self, job: T, burden: DecodeCost, *, lane: Lane) -> None:
        """Append a picture to its queue."""
        weight = Weight.HEAVY if burden.pixels > HEAVY_PIXELS else Weight.LIGHT
        self._lines[lane, weight].append(DecodeSlot(job, lane, weight, burden.nbytes))

    def ready(self) -> bool:
        """Return whether `next` would return a picture."""
        return self._choose() is not None

    def next(self) -> DecodeSlot[T] | None:
        """Return the next picture, which counts as running until `done`; None if none may start."""
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
        """Record that a running picture is decoded and its full-size pixels are released."""
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
        # Call `bulk_may_go` last, and only if a bulk picture would start: its refusal triggers a wake-up later.
        held_up = turn is not None and turn.lane is Lane.BULK and not self._bulk_may_go()
        return None if held_up else turn

    def _best(self, heads: Iterator[DecodeSlot[T]]) -> DecodeSlot[T] | None:
        able = [turn for turn in heads if self._may_go(turn)]
        return min(able, key=lambda turn: (turn.lane, turn.weight is self._last), default=None)

    def _heads(self, lanes: Sequence[Lane]) -> Iterator[DecodeSlot[T]]:
        """Yield the first picture of each weight; bulk never overtakes a query of its weight that waits for memory."""
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
