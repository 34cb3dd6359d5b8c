"""Every point of a collection on a server, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from qdrant_client import QdrantClient, models

from vitrine.store.base import StoredPoint
from vitrine.store.hits import read_point

SCROLL_PAGE = 256  #: Points per page.


def scroll_pages(
    client: QdrantClient, collection: str, where: models.Filter | None, *, with_vectors: bool
) -> Iterator[list[StoredPoint]]:
    """Yield the points that pass the filter, in no order; raises the client's errors."""
    offset: Any = None
    while True:
        records, offset = client.scroll(
            collection,
            where,
            limit=SCROLL_PAGE,
            offset=offset,
            with_payload=True,
            with_vectors=with_vectors,
        )
        yield [read_point(one.id, one.payload or {}, cast("Any", one.vector)) for one in records]
        if offset is None:
            return
