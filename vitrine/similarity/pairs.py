"""Which of many vectors lie close together: everything compared with everything, a block at a time.

n vectors take n² products: 100,000 of 768 dimensions are 1.5e13 operations, minutes on a few cores. In return
nothing is missed, as an index may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import BadInput

BLOCK_VALUES = 8_000_000  #: Cosines held at once: 32 MB.
MAX_PAIRS = 20_000_000  #: Pairs near each other that are kept: 320 MB.

Progress = Callable[[int], None]
"""Told how many more vectors are compared."""


def _ignore_progress(_: int) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """Each vector's nearest other one, and how far it is (Euclidean; 0 to 2 between unit vectors)."""

    rows: NDArray[np.intp]  #: [n]
    distances: NDArray[np.float32]  #: [n]


def nearest_neighbours(
    vectors: NDArray[np.float32], on_progress: Progress = _ignore_progress
) -> NearestNeighbours:
    """The nearest of each of at least two unit vectors, float32 [n, dimension]."""
    rows = np.empty(len(vectors), np.intp)
    for start, block in _blocks(vectors):
        own = np.arange(start, start + len(block))
        block[own - start, own] = -np.inf
        rows[own] = block.argmax(axis=1)
        on_progress(len(block))
    # From the differences: of sqrt(2 - 2 cos) nothing but rounding is left between near-duplicates.
    distances = np.linalg.norm(vectors - vectors[rows], axis=1)
    return NearestNeighbours(rows, distances.astype(np.float32))


def star_groups(vectors: NDArray[np.float32], cosine: float) -> list[list[int]]:
    """Disjoint groups of rows, each at least `cosine` from the group's first; those of one row are left out.

    The row with the most others about it is first, and takes them. So no chain of small steps joins two pictures
    that are unlike each other. Raises `BadInput` where so many are near each other that the cosine tells nothing.
    """
    near = _near(vectors, cosine)
    taken = np.zeros(len(vectors), bool)
    groups = []
    for row in sorted(near, key=lambda row: (-len(near[row]), row)):
        if taken[row]:
            continue
        others = [int(other) for other in near[row] if not taken[other]]
        if others:
            taken[[row, *others]] = True
            groups.append([row, *others])
    return groups


def _near(vectors: NDArray[np.float32], cosine: float) -> dict[int, NDArray[np.intp]]:
    """For each row that has any, the other rows at least so near."""
    near: dict[int, NDArray[np.intp]] = {}
    pairs = 0
    for start, block in _blocks(vectors):
        for offset, line in enumerate(block >= cosine):
            line[start + offset] = False
            others = np.flatnonzero(line)
            if len(others):
                near[start + offset] = others
                pairs += len(others)
        if pairs > MAX_PAIRS:
            raise BadInput(
                f"More than {MAX_PAIRS:,} pairs of pictures have a cosine of {cosine:.4f} or more.",
                hint="Give a --threshold nearer to 1.",
            )
    return near


def _blocks(vectors: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Blocks of cosines [block, n], with the row of their first."""
    size = max(1, BLOCK_VALUES // max(1, len(vectors)))
    for start in range(0, len(vectors), size):
        yield start, vectors[start : start + size] @ vectors.T
