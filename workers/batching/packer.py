"""Which requests go into the next batch: pure bookkeeping, no threads, no clock of its own.

Queries go before bulk, and leave at once: they share batches with those that came while the device was
busy. A bulk batch leaves when it is full, or when its oldest request has waited `wait` seconds; requests
whose asker gave up are dropped on the way; an `alone` request has a batch to itself.
"""

from __future__ import annotations

import enum
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.models.base import Inputs


class Lane(enum.IntEnum):
    """Who is served first."""

    QUERY = 0  #: Somebody is waiting for the answer.
    BULK = 1  #: Ingestion.


@dataclass(slots=True, eq=False)
class Request:
    """One picture's inputs, or one text, and where its unit vector, float32 [dimension], shall go."""

    payload: Inputs | str
    lane: Lane
    asked_at: float
    alone: bool = False
    future: Future[NDArray[np.float32]] = field(default_factory=Future)

    @property
    def is_text(self) -> bool:
        """Texts and pictures go through different towers, so never in one batch."""
        return isinstance(self.payload, str)


class Packer:
    """The waiting requests, in two lanes, first come first served within each."""

    def __init__(self, *, size: int, wait: float) -> None:
        self.size = size  #: Requests a batch; changed by whoever learns what fits.
        self._wait = wait
        self._lanes: dict[Lane, deque[Request]] = {lane: deque() for lane in Lane}

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def waiting(self, lane: Lane) -> int:
        """Requests of one lane."""
        return len(self._lanes[lane])

    def add(self, request: Request) -> None:
        """Put a request at the end of its lane."""
        self._lanes[request.lane].append(request)

    def ready_in(self, now: float) -> float | None:
        """Seconds until a batch shall leave: 0 for now, None where nothing waits."""
        self._drop_abandoned()
        heads = [lane[0] for lane in self._lanes.values() if lane]
        if not heads:
            return None
        full = len(self) >= self.size or any(head.alone for head in heads)
        if full or self._lanes[Lane.QUERY]:
            return 0.0
        return max(0.0, min(head.asked_at for head in heads) + self._wait - now)

    def take(self) -> list[Request]:
        """The next batch; its requests are marked as running, so that they can no longer be abandoned."""
        batch: list[Request] = []
        for lane in self._lanes.values():
            while lane and len(batch) < self.size and _together(batch, lane[0]):
                request = lane.popleft()
                if request.future.set_running_or_notify_cancel():
                    batch.append(request)
        return batch

    def _drop_abandoned(self) -> None:
        for lane in self._lanes.values():
            while lane and lane[0].future.cancelled():
                lane.popleft()


def _together(batch: list[Request], request: Request) -> bool:
    if not batch:
        return True
    first = batch[0]
    return not first.alone and not request.alone and first.is_text == request.is_text
