"""Queries of one search against one shard of the embedded engine, for `vitrine.store.grouping`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import qdrant_edge as q
from numpy.typing import NDArray

from vitrine.core.filters import Filter
from vitrine.store.base import Hit
from vitrine.store.embedded.filters import engine_filter
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.hits import read_hit


class EmbeddedRanker:
    """A vector, a filter and a shard; `params` tell the engine how to search, for example without its HNSW graph."""

    def __init__(
        self,
        shard: EmbeddedGeneration,
        vector: NDArray[np.float32],
        where: Filter | None,
        params: q.SearchParams,
    ) -> None:
        self._shard = shard
        self._query = q.Query.Nearest(np.ascontiguousarray(vector, dtype=np.float32))  # type: ignore[arg-type]  # also accepts an array
        self._where = where
        self._params = params

    def nearest(self, limit: int, without_items: Sequence[str]) -> list[Hit]:
        """Return the nearest points, excluding some items."""
        return self._ask([engine_filter(self._where, without_items=without_items)], limit)[0]

    def nearest_of(self, items: Sequence[str], limit: int) -> list[list[Hit]]:
        """Return the nearest points of each item, in one request."""
        return self._ask([engine_filter(self._where, item=item) for item in items], limit)

    def _ask(self, filters: Sequence[q.Filter | None], limit: int) -> list[list[Hit]]:
        requests = [
            q.QueryRequest(
                limit=limit,
                query=self._query,
                filter=where,
                with_payload=True,
                params=self._params,
            )
            for where in filters
        ]
        return [
            [read_hit(point.id, point.score, point.payload or {}) for point in points]
            for points in self._shard.query(requests)
        ]
