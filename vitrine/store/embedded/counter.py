"""What a shard of the embedded engine counts for a facet."""

from __future__ import annotations

from collections.abc import Sequence

import qdrant_edge as q

from vitrine.core.filters import Filter
from vitrine.store.embedded.filters import engine_filter
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.facets import FacetValue
from vitrine.store.field_types import payload_path


class EmbeddedCounter:
    """A `vitrine.store.counting.FacetCounter` over one shard."""

    def __init__(self, shard: EmbeddedGeneration) -> None:
        self._shard = shard

    def words(self, field: str, where: Filter | None, limit: int) -> Sequence[FacetValue]:
        """From the field's keyword index alone.

        Counting exactly would look each value up for itself: 34 us a value in the embedded engine, seconds for the
        titles of 100,000 products. What the index says was the same whenever it was compared.
        """
        request = q.FacetRequest(
            payload_path(field), limit=limit, exact=False, filter=engine_filter(where)
        )
        hits = self._shard.facet(request).hits
        return [FacetValue(hit.value, hit.count) for hit in hits if isinstance(hit.value, str)]

    def values(self, key: str, limit: int) -> int:
        """How many different values a payload key has, as its keyword index says; `limit` at most."""
        return len(self._shard.facet(q.FacetRequest(key, limit=limit, exact=False)).hits)

    def extreme(self, field: str, where: Filter | None, *, largest: bool) -> float | None:
        """From the field's float index, which is sorted."""
        direction = q.Direction.Desc if largest else q.Direction.Asc
        request = q.ScrollRequest(
            limit=1,
            filter=engine_filter(where),
            with_payload=False,
            order_by=q.OrderBy(payload_path(field), direction),
        )
        records, _ = self._shard.scroll(request)
        value = records[0].order_value if records else None
        return None if value is None else float(value)

    def count(self, where: Filter | None) -> int:
        """Points that pass."""
        return self._shard.count(engine_filter(where))
