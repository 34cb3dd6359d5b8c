"""The distance-weighted vote of the nearest neighbours, computed like scikit-learn's KNeighborsClassifier.

Each neighbour votes for its class with weight 1/distance. If any neighbours are at distance 0, only those vote. A
class without votes is never among a query's guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.evaluation.neighbours import Neighbours
from vitrine.evaluation.score import Proportion

MAX_PREDICTIONS = 5  #: Classes to keep per query: top-5 is the widest measure.
_BLOCK_VALUES = 4_000_000


@dataclass(frozen=True, slots=True)
class Predictions:
    """The classes with the largest vote, best first, padded with class -1 and share 0."""

    classes: NDArray[np.intp]  #: [q, 5], class indexes.
    shares: NDArray[np.float64]  #: [q, 5], of the total vote.

    def right(self, truth: NDArray[np.intp], top: int) -> NDArray[np.bool_]:
        """Return for each query whether its class, `truth` [q], is among the first `top` guesses."""
        found: NDArray[np.bool_] = (self.classes[:, :top] == truth[:, None]).any(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Classification:
    """Results for the queries; `rows` [q] are the sample rows of their pictures."""

    rows: NDArray[np.intp]
    guesses: Predictions
    top1: NDArray[np.bool_]
    top5: NDArray[np.bool_]
    neighbours: Neighbours | None = None  #: The voters, as rows of the sample; None for texts.

    @property
    def scores(self) -> dict[str, Proportion]:
        """Proportions by measure name."""
        return {"top1": Proportion.counted(self.top1), "top5": Proportion.counted(self.top5)}


def knn_vote(neighbours: Neighbours, classes: NDArray[np.intp], count: int) -> Predictions:
    """Count the neighbours' votes. `classes` [n] are the gallery's classes, numbered below `count`."""
    weights = _weights(neighbours.distances)
    questions = len(weights)
    guesses = np.full((questions, MAX_PREDICTIONS), -1, dtype=np.intp)
    shares = np.zeros((questions, MAX_PREDICTIONS))
    size = max(1, _BLOCK_VALUES // max(1, count))
    for start in range(0, questions, size):
        block = slice(start, start + size)
        tally = _tally(neighbours.rows[block], weights[block], classes, count)
        # Stable sort: of classes with equal votes the first in order wins, as in scikit-learn.
        best = np.argsort(-tally, axis=1, kind="stable")[:, :MAX_PREDICTIONS]
        share = np.take_along_axis(tally, best, axis=1)
        guesses[block, : best.shape[1]] = np.where(share > 0, best, -1)
        shares[block, : best.shape[1]] = share
    return Predictions(guesses, shares)


def _weights(distances: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return weights of 1/distance, or 1 at distance 0 and then 0 for all others. Each row sums to 1."""
    same = distances == 0
    with np.errstate(divide="ignore"):
        weights = np.where(
            same.any(axis=1, keepdims=True), same, 1.0 / distances.astype(np.float64)
        )
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1.0), dtype=np.float64)


def _tally(
    rows: NDArray[np.intp],
    weights: NDArray[np.float64],
    classes: NDArray[np.intp],
    count: int,
) -> NDArray[np.float64]:
    """Return the votes, [block, count]. A missing neighbour has weight 0, so it does not count."""
    tally = np.zeros((len(rows), count))
    questions = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    np.add.at(tally, (questions, classes[rows]), weights)
    return tally
