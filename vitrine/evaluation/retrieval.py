"""How well pictures find others of their class: recall@k and mean average precision.

Each picture is a query once, and all pictures outside its group are ranked. Pictures with the same label are relevant;
a picture with nothing relevant is not used as a query. Recall@k is that of metric learning (Jégou, Douze and Schmid,
2011): the share of queries with something relevant among the first k. Average precision is the mean, over a query's
relevant pictures, of the precision at the rank of each, over the whole ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.evaluation.neighbours import Gallery, similarity_blocks
from vitrine.evaluation.score import Proportion

RANKS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """`first` [q] is the rank of the first relevant picture, from 1; `precision` [q] is the average precision."""

    first: NDArray[np.intp]
    precision: NDArray[np.float64]
    unasked: int  #: Pictures with nothing relevant, not used as queries.

    def right(self, rank: int) -> NDArray[np.bool_]:
        """Return for each query whether something relevant is among the first `rank`."""
        found: NDArray[np.bool_] = self.first <= rank
        return found

    @property
    def mean_precision(self) -> float:
        """The mAP, or 0 without queries."""
        return float(self.precision.mean()) if len(self.precision) else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return recalls with their bounds, mAP and counts as JSON values."""
        recalls = {
            f"recall_at_{rank}": Proportion.counted(self.right(rank)).as_json() for rank in RANKS
        }
        return {
            **recalls,
            "mean_average_precision": round(self.mean_precision, 4),
            "questions": len(self.first),
            "unasked": self.unasked,
        }


def retrieve(gallery: Gallery, labels: NDArray[np.intp], asked: NDArray[np.intp]) -> Retrieval:
    """Rank the gallery for its rows `asked` [q]. `labels` [n] are the classes of the whole gallery."""
    questions = Gallery(gallery.vectors[asked], gallery.groups[asked])
    firsts: list[NDArray[np.intp]] = []
    precisions: list[NDArray[np.float64]] = []
    for start, block in similarity_blocks(questions, gallery):
        first, precision = _ranked(block, labels, labels[asked[start : start + len(block)]])
        firsts.append(first)
        precisions.append(precision)
    first = np.concatenate([np.zeros(0, np.intp), *firsts])
    there = first > 0
    precision = np.concatenate([np.zeros(0), *precisions])
    return Retrieval(first[there], precision[there], int((~there).sum()))


def _ranked(
    block: NDArray[np.float32], labels: NDArray[np.intp], truth: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the rank of the first relevant picture (0: none) and the average precision per row of cosines."""
    order = np.argsort(-block, axis=1, kind="stable")
    ranked = ~np.isneginf(np.take_along_axis(block, order, axis=1))
    relevant = (labels[order] == truth[:, None]) & ranked
    total = relevant.sum(axis=1)
    ranks = np.arange(1, block.shape[1] + 1)
    precision = np.where(relevant, np.cumsum(relevant, axis=1) / ranks, 0.0).sum(axis=1)
    first = np.where(total > 0, relevant.argmax(axis=1) + 1, 0)
    return first, precision / np.maximum(total, 1)
