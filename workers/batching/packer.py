"""Which requests go into the next batch: pure bookkeeping, no threads, no clock of its own.

The lanes are packed apart: queries leave as soon as the device asks, with all that came while it was busy, and never
in one batch with bulk, whose length would then be theirs. A bulk batch leaves when it is full; an incomplete
one when its oldest request has waited `wait` seconds and the device has nothing else to do. Requests whose
asker gave up are dropped on the way; an `alone` request has a batch to itself.
"""

from __future__ import annotations

import enum
import math
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
class EmbedRequest:
    """One picture's inputs, or one text, and where its unit vector, float32 [dimension], shall go."""

    payload: Inputs | str
    lane: Lane
    asked_at: float
    alone: bool = False
    future: Future[NDArray[np.float32]] = field(default_factory=Future)
    nbytes: int = field(init=False)  #: What its pixels take while it waits.
    form: object = field(init=False)
    """Equal for queries that can go in one batch: texts have another tower than pictures, and ready pixels (floats) do not
    lie beside a picture's bytes. Bulk comes one way, and what all the same does not fit together is found when it is staged."""

    def __post_init__(self) -> None:
        if isinstance(self.payload, str):
            self.nbytes, self.form = 0, str
            return
        arrays = self.payload.values()
        self.nbytes = sum(array.nbytes for array in arrays)
        self.form = [(array.shape, array.dtype) for array in arrays]

    @property
    def is_text(self) -> bool:
        """Whether it goes through the text tower."""
        return isinstance(self.payload, str)


class Packer:
    """The waiting requests, in two lanes, first come first served within each."""

    def __init__(self, *, size: int, wait: float) -> None:
        self.size = size  #: Requests a batch; changed by whoever learns what fits.
        self._wait = wait
        self._lanes: dict[Lane, deque[EmbedRequest]] = {lane: deque() for lane in Lane}
        self._bytes = dict.fromkeys(Lane, 0)

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def waiting(self, lane: Lane) -> int:
        """Requests of one lane."""
        return len(self._lanes[lane])

    def waiting_bytes(self, lane: Lane) -> int:
        """Bytes of pixels that wait in one lane."""
        return self._bytes[lane]

    def add(self, request: EmbedRequest) -> None:
        """Put a request at the end of its lane."""
        self._lanes[request.lane].append(request)
        self._bytes[request.lane] += request.nbytes

    def ready_in(self, lane: Lane, now: float, *, hungry: bool) -> float | None:
        """Seconds until the lane's next batch shall leave: 0 for now, None where nothing waits.

        Infinity for an incomplete batch while the device is not `hungry`: leaving early would gain it
        nothing and cost it company. Of sixty askers one at a time, twenty went together on the mean when queries left
        at once, and thirty since they do not, in four fifths of the time.
        """
        self._drop_abandoned(lane)
        waiting = self._lanes[lane]
        if not waiting:
            return None
        if len(waiting) >= self.size or waiting[0].alone:
            return 0.0
        if not hungry:
            return math.inf
        return 0.0 if lane is Lane.QUERY else max(0.0, waiting[0].asked_at + self._wait - now)

    def take(self, lane: Lane) -> list[EmbedRequest]:
        """The lane's next batch; its requests are marked as running, so that they can no longer be abandoned."""
        batch: list[EmbedRequest] = []
        waiting = self._lanes[lane]
        while waiting and len(batch) < self.size and _together(batch, waiting[0]):
            request = self._pop(lane)
            if request.future.set_running_or_notify_cancel():
                batch.append(request)
        return batch

    def _drop_abandoned(self, lane: Lane) -> None:
        waiting = self._lanes[lane]
        while waiting and waiting[0].future.cancelled():
            self._pop(lane)

    def _pop(self, lane: Lane) -> EmbedRequest:
        request = self._lanes[lane].popleft()
        self._bytes[lane] -= request.nbytes
        return request


def _together(batch: list[EmbedRequest], request: EmbedRequest) -> bool:
    if not batch:
        return True
    first = batch[0]
    if first.alone or request.alone or first.is_text != request.is_text:
        return False
    return request.lane is Lane.BULK or first.form == request.form
