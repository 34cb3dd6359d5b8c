"""Counts of one collection on a Qdrant server, for facets."""

from __future__ import annotations

from collections.abc import Sequence

from qdrant_client import QdrantClient, models

from vitrine.core.filters import Filter
from vitrine.store.dates import extreme_stored
from vitrine.store.facets import FacetValue
from vitrine.store.field_types import date_path, payload_path
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
        record = self._first(payload_path(field), where, largest=largest)
        value = None if record is None else record.order_value
        return None if value is None else float(value)

    def extreme_date(self, field: str, where: Filter | None, *, largest: bool) -> str | None:
        """Read the datetimes of the point that is first in their index, which is sorted."""
        record = self._first(date_path(field), where, largest=largest)
        return None if record is None else extreme_stored(record.payload, field, largest=largest)

    def count(self, where: Filter | None) -> int:
        """Count the points that pass."""
        return self._client.count(self._collection, qdrant_filter(where), exact=True).count

    def _first(self, path: str, where: Filter | None, *, largest: bool) -> models.Record | None:
        """Return the point with the smallest or largest value in a sorted index."""
        direction = models.Direction.DESC if largest else models.Direction.ASC
        records, _ = self._client.scroll(
            self._collection,
            qdrant_filter(where),
            limit=1,
            order_by=models.OrderBy(key=path, direction=direction),
            with_payload=True,
        )
        return records[0] if records else None
