"""Finds the best batch size of a model on its device by trial. Pure except for the clock that is passed in.

Larger batches increase throughput only up to a point; beyond it they only add latency, because a query waits for the bulk
batch before it. Of the sizes within 5% of the best rate, the search takes the smallest whose batch lasts `SHORT_SECONDS`, or
the largest if none does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
NEAR_BEST = 0.95
"""Share of the best rate that is good enough."""
WORSE = 0.8
"""Share of the best rate below which larger batches are not tried: they have outgrown a cache."""
LONGEST_SECONDS = 0.5
"""Limit for one batch: under bulk load a query waits for a whole batch, and the watchdog ends the process after 60 s."""
SHORT_SECONDS = 0.05
"""Below this, a larger batch is preferred if it is not slower. Nobody notices so short a wait, and small batches suffer first
when other work occupies a core or the memory, which a search of a few seconds may not observe."""
SEARCH_SECONDS = 6.0
HANDOVER_SECONDS = 0.001
"""Overhead per batch at full load, on top of the device's time: three threads pass it on, each after waiting for the GIL."""


@dataclass(frozen=True, slots=True)
class BatchSizeResult:
    """The chosen batch size and its rate."""

    size: int
    pictures_per_s: float


def find_batch_size(
    seconds: Callable[[int], float],
    *,
    sizes: Sequence[int] = SIZES,
    clock: Callable[[], float] = time.monotonic,
) -> BatchSizeResult:
    """Try ascending sizes and return the best; `seconds` embeds a batch of the given size and returns the time taken.

    A size that raises `MemoryError` ends the search, except the smallest: its error is passed on.
    """
    until = clock() + SEARCH_SECONDS
    rates = {sizes[0]: _rate(sizes[0], seconds(sizes[0]))}
    for size in sizes[1:]:
        if clock() >= until:
            break
        try:
            taken = seconds(size)
        except MemoryError:
            break
        if taken > LONGEST_SECONDS:
            break
        rates[size] = _rate(size, taken)
        if rates[size] < WORSE * max(rates.values()):
            break
    best = max(rates.values())
    near = [size for size, rate in rates.items() if rate >= NEAR_BEST * best]
    size = next((size for size in near if size / rates[size] >= SHORT_SECONDS), near[-1])
    return BatchSizeResult(size, rates[size])


def _rate(size: int, seconds: float) -> float:
    return size / (seconds + HANDOVER_SECONDS)
