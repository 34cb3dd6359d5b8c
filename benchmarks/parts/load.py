"""How many pictures stand in each chunk, or task, of a turn: the same for all that are compared."""

from __future__ import annotations

import random
from collections.abc import Iterator

CHUNK = 64
RAGGED = range(1, 32)
"""Pictures of a ragged chunk: what many small submissions leave."""


def full_chunks(pictures: int) -> list[int]:
    """Chunks of 64; the number of pictures is rounded up to whole ones."""
    return [CHUNK] * max(1, -(-pictures // CHUNK))


def ragged_chunks(pictures: int) -> list[int]:
    """Chunks of 1 to 31 pictures, about as many as asked for, the same for the same number."""
    return list(_drawn(pictures))


def _drawn(pictures: int) -> Iterator[int]:
    chance = random.Random(pictures)
    while pictures > 0:
        size = min(pictures, chance.choice(RAGGED))
        pictures -= size
        yield size
