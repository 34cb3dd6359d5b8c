"""The best batch size of a model on its device, found by trying: pure, but for the clock it is given.

Larger batches are faster up to a point and then only later: a query waits for the bulk batch before it. So of the sizes whose
rate is within a twentieth of the best, the smallest is taken that a query would notice at all.
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
"""What a batch may take: a query under bulk load waits for one, and the watchdog ends a process after 60 s of one."""
SHORT_SECONDS = 0.05
"""A batch that takes less is made larger where that is no slower: nobody notices the wait, and small batches are the first to
suffer when a core or the memory is busy with something else, which a search of seconds need not see."""
SEARCH_SECONDS = 6.0
HANDOVER_SECONDS = 0.001
"""What each batch costs beside the device at full load: three threads hand it on, each after waiting for the GIL."""


@dataclass(frozen=True, slots=True)
class BatchSizeResult:
    """What was found."""

    size: int
    pictures_per_s: float


def find_batch_size(
    seconds: Callable[[int], float],
    *,
    sizes: Sequence[int] = SIZES,
    clock: Callable[[], float] = time.monotonic,
) -> BatchSizeResult:
    """Try ascending sizes; `seconds` embeds a batch of so many and says how long that took.

    A size that raises `MemoryError` ends the search; the smallest is taken for granted, and its error passed on.
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
