"""Find vectors that are close together by comparing everything with everything, block by block.

n vectors take n² products: 100,000 of 768 dimensions are 1.5e13 operations, minutes on a few cores. In return,
nothing is missed, unlike with an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import BadInput

BLOCK_VALUES = 8_000_000  #: Cosines held in memory together: 32 MB.
MAX_PAIRS = 20_000_000  #: Close pairs to keep: 320 MB.

Progress = Callable[[int], None]
"""Receives how many more vectors have been compared."""


def _ignore_progress(_: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """Each vector's nearest other vector and its distance (Euclidean; 0 to 2 between unit vectors)."""

    rows: NDArray[np.intp]  #: [n]
    distances: NDArray[np.float32]  #: [n]


def nearest_neighbours(
    vectors: NDArray[np.float32], on_progress: Progress = _ignore_progress
) -> NearestNeighbours:
    """Return the nearest neighbour of each of at least two unit vectors, float32 [n, dimension]."""
    rows = np.empty(len(vectors), np.intp)
    for start, block in _blocks(vectors):
        own = np.arange(start, start + len(block))
        block[own - start, own] = -np.inf
        rows[own] = block.argmax(axis=1)
        on_progress(len(block))
    # Computed from the differences: for near-duplicates, sqrt(2 - 2 cos) would be rounding error only.
    distances = np.linalg.norm(vectors - vectors[rows], axis=1)
    return NearestNeighbours(rows, distances.astype(np.float32))


def star_groups(vectors: NDArray[np.float32], cosine: float) -> list[list[int]]:
    """Return disjoint groups of rows with at least `cosine` to the group's first row, without groups of one row.

    The row with the most neighbours comes first and takes them. As a result, no chain of small steps joins two
    pictures that are unlike each other. Raises `BadInput` if too many pairs are close for the cosine to be useful.
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
    """Return the other rows within `cosine` of each row, for rows that have any."""
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
    """Yield blocks of cosines [block, n], each with the row number of its first."""
    size = max(1, BLOCK_VALUES // max(1, len(vectors)))
    for start in range(0, len(vectors), size):
        yield start, vectors[start : start + size] @ vectors.T
