"""Nearest neighbours by comparing everything with everything, one block of queries at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK_VALUES = 4_000_000
"""Similarities held in memory together: 16 MB, and a few times that while they are sorted."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Vectors to compare queries with: `vectors` float32 [n, dimension] of unit length, `groups` [n]."""

    vectors: NDArray[np.float32]
    groups: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Neighbours, nearest first. If a query has fewer, the row is -1 and the distance infinite."""

    rows: NDArray[np.intp]  #: [q, k], rows of the gallery.
    distances: NDArray[np.float32]  #: [q, k], Euclidean; between unit vectors 0 to 2.


def similarity_blocks(
    questions: Gallery, gallery: Gallery
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield blocks of cosines [block, n] with the row of their first query; -inf within the same group."""
    size = max(1, _BLOCK_VALUES // max(1, len(gallery.vectors)))
    for start in range(0, len(questions.vectors), size):
        block = questions.vectors[start : start + size] @ gallery.vectors.T
        same = questions.groups[start : start + size, None] == gallery.groups[None, :]
        block[same] = -np.inf
        yield start, block


def nearest(questions: Gallery, gallery: Gallery, count: int) -> Neighbours:
    """Return each query's `count` nearest rows of the gallery, excluding the query's own group."""
    wanted = min(count, len(gallery.vectors))
    rows = np.full((len(questions.vectors), wanted), -1, dtype=np.intp)
    for start, block in similarity_blocks(questions, gallery):
        rows[start : start + len(block)] = _best(block, wanted)
    return Neighbours(rows, _distances(questions.vectors, gallery.vectors, rows))


def _best(block: NDArray[np.float32], wanted: int) -> NDArray[np.intp]:
    """Return the rows of the largest cosines, best first; -1 where the cosine is -inf."""
    if wanted < block.shape[1]:
        candidates = np.argpartition(-block, wanted - 1, axis=1)[:, :wanted]
    else:
        candidates = np.broadcast_to(np.arange(wanted), (len(block), wanted))
    cosines = np.take_along_axis(block, candidates, axis=1)
    order = np.lexsort((candidates, -cosines), axis=1)
    rows = np.take_along_axis(candidates, order, axis=1)
    rows[np.isneginf(np.take_along_axis(cosines, order, axis=1))] = -1
    return rows


def _distances(
    questions: NDArray[np.float32], gallery: NDArray[np.float32], rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Compute from the differences: for near-duplicates, sqrt(2 - 2 cos) would be rounding error only."""
    distances = np.full(rows.shape, np.inf, dtype=np.float32)
    for rank in range(rows.shape[1]):
        there = rows[:, rank] >= 0
        difference = questions[there] - gallery[rows[there, rank]]
        distances[there, rank] = np.linalg.norm(difference, axis=1)
    return distances
