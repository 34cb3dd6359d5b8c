"""What a collection's index misses and saves: the same queries, with the index and by comparing with everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.evaluation.latency import Latency, measure_latency
from vitrine.store.base import ItemHits, VectorStore

TOP = 10
_SLACK = 1e-5
"""Two engines' cosines of one pair differ by at most this much; hits this close to the last place rank by chance."""


@dataclass(frozen=True, slots=True)
class IndexRecall:
    """The share of the truly nearest items that the index finds, and the latency of both methods."""

    recall: float
    questions: int
    points: int
    indexed: int  #: Points in the index; the others are compared one by one.
    approximate: Latency | None
    exact: Latency | None

    def as_json(self) -> dict[str, Any]:
        """Return recall, counts and latencies as JSON values."""
        return {
            "recall_at_10": round(self.recall, 4),
            "questions": self.questions,
            "points": self.points,
            "indexed_points": self.indexed,
            "approximate": self.approximate.as_json() if self.approximate else None,
            "exact": self.exact.as_json() if self.exact else None,
        }


def measure_index_recall(
    store: VectorStore, name: str, vectors: NDArray[np.float32], items: Sequence[str]
) -> IndexRecall:
    """Search both ways with each of `vectors` [q, dimension], excluding its own item from `items` [q]."""
    found: dict[bool, list[list[ItemHits]]] = {True: [], False: []}

    def ask(exact: bool) -> Latency | None:  # noqa: FBT001 - one of two ways, each named where it is called
        def search(question: int) -> None:
            found[exact].append(
                store.search(
                    name,
                    vectors[question],
                    top=TOP,
                    exclude_items=(items[question],),
                    exact=exact,
                )
            )

        return measure_latency(search, range(len(vectors)))

    approximate, exact = ask(exact=False), ask(exact=True)
    shares = [
        share
        for some, best in zip(found[False], found[True], strict=True)
        if (share := recall_of(some, best)) is not None
    ]
    state = store.index_state(name)
    recall = float(np.mean(shares)) if shares else 1.0
    return IndexRecall(recall, len(shares), state.points, state.indexed, approximate, exact)


def recall_of(some: Sequence[ItemHits], best: Sequence[ItemHits]) -> float | None:
    """Return the share of `best` that was found, or None if empty. An item as near as the last of `best` counts."""
    if not best:
        return None
    enough = best[-1].score - _SLACK
    return min(1.0, sum(hit.score >= enough for hit in some) / len(best))
