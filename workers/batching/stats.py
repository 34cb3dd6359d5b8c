"""What the batcher counts of itself: batches, pictures, how busy the device is, how long the GIL is waited for."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WAITS_KEPT = 4096
_PROBE_EVERY = 2
"""Batches between two probes of the GIL: each probe is itself one wait."""


@dataclass(frozen=True, slots=True)
class GilWait:
    """How long the device's thread waited for the GIL, milliseconds, over the last few thousand probes."""

    p50_ms: float
    p95_ms: float
    probes: int


class BatchStats:
    """Written by the batcher's threads, each its own part; read by anybody."""

    def __init__(self) -> None:
        self.batches = 0  #: Batches answered so far.
        self.pictures = 0  #: Requests answered so far.
        self.bulk_batches = 0  #: Of them, those of ingestion.
        self.bulk_pictures = 0
        self.busy_seconds = 0.0  #: Time in which the device had a batch.
        self.bulk_seconds: float | None = None  #: What the last bulk batch took on the device.
        self.on_answered: Callable[[int, bool], object] = _nobody
        """Called with the requests of each batch that was answered, and whether they were bulk."""
        self.on_finished: Callable[[float], object] = _nobody
        """Called with the seconds that each batch had the device."""
        self._device_free_at = 0.0
        self._launches = 0
        self._waits: deque[float] = deque(maxlen=_WAITS_KEPT)

    def finished(self, began: float, finished: float, *, bulk: bool) -> None:
        """A batch launched at `began` was done at `finished`; it had the device from when the one before left it."""
        taken = max(0.0, finished - max(began, self._device_free_at))
        self.busy_seconds += taken
        self._device_free_at = max(finished, self._device_free_at)
        if bulk:
            self.bulk_seconds = taken
        self.on_finished(taken)

    def answered(self, requests: int, *, bulk: bool) -> None:
        """A batch of so many requests was answered."""
        self.batches += 1
        self.pictures += requests
        if bulk:
            self.bulk_batches += 1
            self.bulk_pictures += requests
        self.on_answered(requests, bulk)

    def launched(self) -> None:
        """Called by the device's thread after each launch; sometimes it asks how long the GIL takes to come back."""
        self._launches += 1
        if self._launches % _PROBE_EVERY == 0:
            self._waits.append(gil_wait())

    def gil_wait(self) -> GilWait | None:
        """The waits so far; None before the first probe."""
        waits = sorted(1000 * wait for wait in tuple(self._waits))
        if not waits:
            return None
        last = waits[min(len(waits) - 1, int(0.95 * len(waits)))]
        return GilWait(statistics.median(waits), last, len(waits))


def _nobody(*_: object) -> None:
    """Nobody listens."""


def gil_wait() -> float:
    """Let go of the GIL for a moment and take it again; seconds until it was back.

    Some 0.07 ms where nobody else wants it: the system's own delay of the shortest sleep, which is long enough
    for another thread to take the GIL as it does while the device is at a batch.
    """
    began = time.perf_counter()
    time.sleep(0)
    return time.perf_counter() - began
