"""The batcher's statistics: batches, pictures, device utilisation, and how long its thread waits for the GIL."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WAITS_KEPT = 4096
_PROBE_EVERY = 2
"""Batches between two probes of the GIL, because each probe is itself a wait."""


@dataclass(frozen=True, slots=True)
class GilWait:
    """How long the device's thread waited for the GIL, in milliseconds, over the last few thousand probes."""

    p50_ms: float
    p95_ms: float
    probes: int


class BatchStats:
    """Statistics; each field is written by one of the batcher's threads and may be read by any thread."""

    def __init__(self) -> None:
        self.batches = 0  #: Batches answered so far.
        self.pictures = 0  #: Requests answered so far.
        self.bulk_batches = 0  #: Batches of ingestion among them.
        self.bulk_pictures = 0
        self.busy_seconds = 0.0  #: Total time in which the device worked on a batch.
        self.bulk_seconds: float | None = None  #: The last bulk batch's time on the device.
        self.on_answered: Callable[[int, bool], object] = _nobody
        """Called for each answered batch with its number of requests and whether they were bulk."""
        self.on_finished: Callable[[float], object] = _nobody
        """Called for each batch with its seconds on the device."""
        self._device_free_at = 0.0
        self._launches = 0
        self._waits: deque[float] = deque(maxlen=_WAITS_KEPT)

    def finished(self, began: float, finished: float, *, bulk: bool) -> None:
        """Record a batch launched at `began` and done at `finished`; its time starts when the previous batch is done."""
        taken = max(0.0, finished - max(began, self._device_free_at))
        self.busy_seconds += taken
        self._device_free_at = max(finished, self._device_free_at)
        if bulk:
            self.bulk_seconds = taken
        self.on_finished(taken)

    def answered(self, requests: int, *, bulk: bool) -> None:
        """Record that a batch with this number of requests was answered."""
        self.batches += 1
        self.pictures += requests
        if bulk:
            self.bulk_batches += 1
            self.bulk_pictures += requests
        self.on_answered(requests, bulk)

    def launched(self) -> None:
        """Record a launch; the device's thread calls this, and every second call probes the wait for the GIL."""
        self._launches += 1
        if self._launches % _PROBE_EVERY == 0:
            self._waits.append(gil_wait())

    def gil_wait(self) -> GilWait | None:
        """Return the recent waits; None before the first probe."""
        waits = sorted(1000 * wait for wait in tuple(self._waits))
        if not waits:
            return None
        last = waits[min(len(waits) - 1, int(0.95 * len(waits)))]
        return GilWait(statistics.median(waits), last, len(waits))


def _nobody(*_: object) -> None:
    """Do nothing: the default callback."""


def gil_wait() -> float:
    """Release the GIL for a moment, take it again, and return the seconds that this took.

    About 0.07 ms if no other thread wants it. That is the system's delay for the shortest sleep, long enough for
    another thread to take the GIL as it would while the device works on a batch.
    """
    began = time.perf_counter()
    time.sleep(0)
    return time.perf_counter() - began
