"""Counts of one shard of the embedded engine, for facets."""

from __future__ import annotations

from collections.abc import Sequence

import qdrant_edge as q

from vitrine.core.filters import Filter
from vitrine.store.dates import extreme_stored
from vitrine.store.embedded.filters import engine_filter
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.facets import FacetValue
from vitrine.store.field_types import date_path, payload_path


class EmbeddedCounter:
    """A `vitrine.store.counting.FacetCounter` over one shard."""

    def __init__(self, shard: EmbeddedGeneration) -> None:
        self._shard = shard

    def words(self, field: str, where: Filter | None, limit: int) -> Sequence[FacetValue]:
        """Count from the field's keyword index alone.

        An exact count would look up each value separately: 34 us per value in the embedded engine, seconds for the
        titles of 100,000 products. Every comparison so far gave the same counts as the index.
        """
        request = q.FacetRequest(
            payload_path(field), limit=limit, exact=False, filter=engine_filter(where)
        )
        hits = self._shard.facet(request).hits
        return [FacetValue(hit.value, hit.count) for hit in hits if isinstance(hit.value, str)]

    def values(self, key: str, limit: int) -> int:
        """Return the number of distinct values of a payload key, from its keyword index, capped at `limit`."""
        return len(self._shard.facet(q.FacetRequest(key, limit=limit, exact=False)).hits)

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
        return self._shard.count(engine_filter(where))

    def _first(self, path: str, where: Filter | None, *, largest: bool) -> q.Record | None:
        """Return the point with the smallest or largest value in a sorted index."""
        direction = q.Direction.Desc if largest else q.Direction.Asc
        request = q.ScrollRequest(
            limit=1,
            filter=engine_filter(where),
            with_payload=True,
            order_by=q.OrderBy(path, direction),
        )
        records, _ = self._shard.scroll(request)
        return records[0] if records else None
