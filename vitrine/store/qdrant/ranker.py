"""Queries of one search against one collection of a Qdrant server, for `vitrine.store.grouping`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from vitrine.core.filters import Filter
from vitrine.store.base import Hit
from vitrine.store.hits import read_hit
from vitrine.store.qdrant.filters import qdrant_filter


class QdrantRanker:
    """A vector, a filter and a collection; `params` tell the server how to search, for example without its HNSW graph."""

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        vector: NDArray[np.float32],
        where: Filter | None,
        params: models.SearchParams,
    ) -> None:
        self._client = client
        self._collection = collection
        self._query = models.NearestQuery(nearest=vector.tolist())
        self._where = where
        self._params = params

    def nearest(self, limit: int, without_items: Sequence[str]) -> list[Hit]:
        """Return the nearest points, excluding some items."""
        return self._ask([qdrant_filter(self._where, without_items=without_items)], limit)[0]

    def nearest_of(self, items: Sequence[str], limit: int) -> list[list[Hit]]:
        """Return the nearest points of each item, in one request."""
        return self._ask([qdrant_filter(self._where, item=item) for item in items], limit)

    def _ask(self, filters: Sequence[models.Filter | None], limit: int) -> list[list[Hit]]:
        requests = [
            models.QueryRequest(
                query=self._query,
                filter=where,
                params=self._params,
                limit=limit,
                with_payload=True,
            )
            for where in filters
        ]
        answers = self._client.query_batch_points(self._collection, requests)
        return [
            [read_hit(point.id, point.score, point.payload or {}) for point in answer.points]
            for answer in answers
        ]
