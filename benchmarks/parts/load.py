"""Chunk sizes of a run, the same for everything that is compared."""

from __future__ import annotations

import random
from collections.abc import Iterator

CHUNK = 64
RAGGED = range(1, 32)
"""Pictures per ragged chunk, as many small submissions produce them."""


def full_chunks(pictures: int) -> list[int]:
    """Return chunks of 64, rounding the number of pictures up to whole chunks."""
    return [CHUNK] * max(1, -(-pictures // CHUNK))


def ragged_chunks(pictures: int) -> list[int]:
    """Return chunks of 1 to 31 pictures, `pictures` in total, the same for the same number."""
    return list(_drawn(pictures))


def _drawn(pictures: int) -> Iterator[int]:
    chance = random.Random(pictures)
    while pictures > 0:
        size = min(pictures, chance.choice(RAGGED))
        pictures -= size
        yield size
