"""Counts of one collection on a Qdrant server, for facets."""

from __future__ import annotations

from collections.abc import Sequence

from qdrant_client import QdrantClient, models

from vitrine.core.filters import Filter
from vitrine.store.facets import FacetValue
from vitrine.store.field_types import payload_path
from vitrine.store.qdrant.filters import qdrant_filter


class QdrantCounter:
    """A `vitrine.store.counting.FacetCounter` over one collection."""

    def __init__(self, client: QdrantClient, collection: str) -> None:
        self._client = client
        self._collection = collection

    def words(self, field: str, where: Filter | None, limit: int) -> Sequence[FacetValue]:
        """Count from the field's keyword index alone: an exact count looks up each value separately."""
        answer = self._client.facet(
            self._collection,
            payload_path(field),
            facet_filter=qdrant_filter(where),
            limit=limit,
            exact=False,
        )
        return [
            FacetValue(hit.value, hit.count) for hit in answer.hits if isinstance(hit.value, str)
        ]

    def values(self, key: str, limit: int) -> int:
        """Return the number of distinct values of a payload key, from its keyword index, capped at `limit`."""
        return len(self._client.facet(self._collection, key, limit=limit, exact=False).hits)

    def extreme(self, field: str, where: Filter | None, *, largest: bool) -> float | None:
        """Read from the field's float index, which is sorted."""
        direction = models.Direction.DESC if largest else models.Direction.ASC
        path = payload_path(field)
        records, _ = self._client.scroll(
            self._collection,
            qdrant_filter(where),
            limit=1,
            order_by=models.OrderBy(key=path, direction=direction),
            with_payload=False,
        )
        value = records[0].order_value if records else None
        return None if value is None else float(value)

    def count(self, where: Filter | None) -> int:
        """Count the points that pass."""
        return self._client.count(self._collection, qdrant_filter(where), exact=True).count
