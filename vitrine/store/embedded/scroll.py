"""Every point of a shard, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import qdrant_edge as q

from vitrine.store.base import StoredPoint
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.hits import read_point

SCROLL_PAGE = 256  #: Points per page: about 10 MB as Python floats at 1152 dimensions.


def scroll_points(
    shard: EmbeddedGeneration, where: q.Filter | None, *, with_vectors: bool
) -> Iterator[StoredPoint]:
    """Yield the points that pass the filter, in no order."""
    offset: Any = None
    while True:
        request = q.ScrollRequest(
            offset=offset,
            limit=SCROLL_PAGE,
            filter=where,
            with_payload=True,
            with_vector=with_vectors,
        )
        records, offset = shard.scroll(request)
        for record in records:
            yield read_point(record.id, record.payload or {}, record.vector)  # type: ignore[arg-type]  # one unnamed vector
        if offset is None:
            return
