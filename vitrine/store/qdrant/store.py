"""A store on a Qdrant server, over REST.

A catalog's name is an alias for a collection that holds one space, recorded in the collection's metadata
(which needs Qdrant 1.16 or newer). Points are written to the generation directly, never through the alias:
if the alias moves to a new space during a job, late vectors of the old space cannot end up among the new
ones. Nothing is retried here: callers back off according to the error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from vitrine.core.errors import Conflict, NotFound
from vitrine.core.filters import Filter
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.store.base import (
    INDEX_FIELD,
    ITEM_FIELD,
    MAX_COUNTED_ITEMS,
    CollectionInfo,
    EmbeddingSpace,
    Footprint,
    IndexState,
    ItemHits,
    PointBatch,
    StoredPoint,
)
from vitrine.store.checks import check_points, check_query, check_sample, checked_payloads
from vitrine.store.counting import facet
from vitrine.store.dates import fields_without_dates, with_date_conditions, with_dates
from vitrine.store.facets import Facet
from vitrine.store.grouping import group_by_item
from vitrine.store.hits import read_point
from vitrine.store.qdrant import index
from vitrine.store.qdrant.counter import QdrantCounter
from vitrine.store.qdrant.errors import qdrant_errors
from vitrine.store.qdrant.filters import qdrant_filter
from vitrine.store.qdrant.generation import (
    SCHEMA,
    QdrantGeneration,
    create_generation,
    read_generation,
)
from vitrine.store.qdrant.ranker import QdrantRanker
from vitrine.store.qdrant.scroll import scroll_pages
from vitrine.store.qdrant.upsert import put_points, request_bodies
from vitrine.store.spaces import require_same_space

POOL_SIZE = 64
RESOLVE_SECONDS = 5.0
"""How long to cache a name's generation. This saves one request per chunk; in return, points may go to a generation
for a few seconds after its alias has moved on."""


class QdrantServerStore:
    """A `VectorStore` on a Qdrant server. Safe to call from several threads."""

    def __init__(
        self, url: str, *, api_key: str | None = None, options: StoreOptions = DEFAULTS
    ) -> None:
        # Send the key as our own header: the client warns about a key without TLS, which is
        # intended inside a private network.
        self._client = QdrantClient(
            url=url,
            headers={"api-key": api_key} if api_key else None,
            timeout=options.store_timeout,
            pool_size=POOL_SIZE,
            check_compatibility=False,
        )
        self._options = options
        self._known: dict[str, QdrantGeneration] = {}
        self._lock = threading.Lock()

    def ping(self) -> None:
        """Return if the server responds."""
        with qdrant_errors(""):
            self._client.info()

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        """Create the generation, its item index and its alias, or check its space.

        Two workers with the same space create the same generation. If two spaces race for a new name, the
        later alias wins; the loser is refused here, or at its next upsert by the provenance of its points.
        """
        try:
            found = self._resolve(name, fresh=True)
        except NotFound:
            with qdrant_errors(name):
                create_generation(self._client, name, space, self._options)
            found = self._resolve(name, fresh=True)
        require_same_space(name, found.space, space)

    def upsert(self, name: str, points: PointBatch) -> None:
        """Write points. Each request waits until its points are searchable."""
        found = self._resolve(name)
        check_points(name, points, found.space)
        rows = [with_dates(payload) for payload in checked_payloads(points)]
        with self._about(name):
            self._index(found, rows)
            for body in request_bodies(points, rows):
                put_points(
                    self._client, found.collection, body, timeout=self._options.store_timeout
                )

    def search(
        self,
        name: str,
        vector: NDArray[np.float32],
        *,
        top: int,
        where: Filter | None = None,
        exclude_items: Sequence[str] = (),
        per_item: int = 1,
        exact: bool = False,
    ) -> list[ItemHits]:
        """Return the nearest items. They are grouped here, not by the server, so that every engine groups the same way."""
        found = self._resolve(name)
        check_query(vector, found.space.dimension, top, per_item)
        where = self._engine_form(name, where)
        params = models.SearchParams(exact=exact)
        ranker = QdrantRanker(self._client, found.collection, vector, where, params)
        with self._about(name):
            return group_by_item(ranker, top, per_item, exclude_items)

    def item(self, name: str, item_id: str) -> list[StoredPoint]:
        """Return the item's points by picture index."""
        points = list(self._pages(name, qdrant_filter(None, item=item_id), with_vectors=True))
        return sorted(points, key=lambda point: point.payload[INDEX_FIELD])

    def points(self, name: str, ids: Sequence[str]) -> list[StoredPoint]:
        """Return those of the points that exist."""
        collection = self._resolve(name).collection
        with self._about(name):
            records = self._client.retrieve(collection, list(ids), with_vectors=True)
        return [read_point(one.id, one.payload or {}, cast("Any", one.vector)) for one in records]

    def sample(self, name: str, count: int) -> NDArray[np.float32]:
        """Sample with the server's random query."""
        check_sample(count)
        found = self._resolve(name)
        drawn: Any = models.SampleQuery(sample=models.Sample.RANDOM)
        with self._about(name):
            answer = self._client.query_points(
                found.collection, drawn, limit=count, with_payload=False, with_vectors=True
            )
        vectors = [point.vector for point in answer.points]
        return np.array(vectors, np.float32).reshape(len(vectors), found.space.dimension)

    def scroll(self, name: str, *, with_vectors: bool = True) -> Iterator[StoredPoint]:
        """Stream every point page by page."""
        return self._pages(name, None, with_vectors=with_vectors)

    def count(self, name: str, where: Filter | None = None) -> int:
        """Return the exact number of points that pass the filter."""
        collection = self._resolve(name).collection
        passing = qdrant_filter(self._engine_form(name, where))
        with self._about(name):
            return self._client.count(collection, passing, exact=True).count

    def facet(self, name: str, field: str, *, where: Filter | None = None, top: int = 20) -> Facet:
        """Count from the server's payload indexes, after looking for fields that other processes have indexed."""
        found = self._resolve(name)
        if not found.indexes.knows(field):
            found = self._resolve(name, fresh=True)
        where = self._engine_form(name, where)
        with self._about(name):
            counter = QdrantCounter(self._client, found.collection)
            return facet(counter, found.indexes.kinds(), field, where, top)

    def space(self, name: str) -> EmbeddingSpace:
        """Return the space, with one request. A collection recreated under the name is seen immediately."""
        return self._resolve(name, fresh=True).space

    def indexed_fields(self, name: str) -> Mapping[str, str]:
        """No request if the collection was looked up within `RESOLVE_SECONDS`."""
        return self._resolve(name).indexes.kinds()

    def describe(self, name: str) -> CollectionInfo:
        """Describe the collection's current state."""
        found = self._resolve(name, fresh=True)
        with self._about(name):
            points = self._client.count(found.collection, exact=True).count
        kinds = found.indexes.kinds()
        return CollectionInfo(name, found.collection, found.space, points, kinds)

    def footprint(self, name: str) -> Footprint:
        """Count items from the server's index of their ids. A server does not report its disk usage."""
        collection = self._resolve(name).collection
        with self._about(name):
            items = QdrantCounter(self._client, collection).values(
                ITEM_FIELD, MAX_COUNTED_ITEMS + 1
            )
        return Footprint(min(items, MAX_COUNTED_ITEMS), items > MAX_COUNTED_ITEMS, None)

    def collections(self) -> list[CollectionInfo]:
        """Return every catalog's collection, sorted by name, skipping other collections on the same server."""
        with qdrant_errors(""):
            aliases = self._client.get_aliases().aliases
        found = (self._describe_ours(alias.alias_name) for alias in aliases)
        return sorted((info for info in found if info), key=lambda info: info.name)

    def delete(self, name: str) -> None:
        """Remove the generation and with it the alias, which must not outlive its points."""
        collection = self._resolve(name, fresh=True).collection
        with self._about(name):
            self._client.delete_collection(collection)
        self._forget(name)

    def defer_index(self, name: str) -> None:
        """Stop the server from building. The setting is stored on the server, so it outlives every worker."""
        collection = self._resolve(name).collection
        with self._about(name):
            index.defer_indexing(self._client, collection, self._options)

    def build_index(self, name: str) -> None:
        """Let the server build again."""
        collection = self._resolve(name).collection
        with self._about(name):
            index.restore_indexing(self._client, collection, self._options)

    def index_state(self, name: str) -> IndexState:
        """Return the progress that the server reports."""
        found = self._resolve(name)
        with self._about(name):
            info = self._client.get_collection(found.collection)
        return index.read_index_state(info, found.space.dimension)

    def deferred(self) -> list[str]:
        """Return collections whose metadata marks them as deferred, skipping any that disappear meanwhile."""
        with qdrant_errors(""):
            names = [alias.alias_name for alias in self._client.get_aliases().aliases]
        return sorted(name for name in names if index.is_deferred(self._client, name))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _describe_ours(self, name: str) -> CollectionInfo | None:
        try:
            return self.describe(name)
        except (NotFound, Conflict):
            return None

    def _resolve(self, name: str, *, fresh: bool = False) -> QdrantGeneration:
        with self._lock:
            known = self._known.get(name)
        if known is not None and not fresh and time.monotonic() - known.seen_at < RESOLVE_SECONDS:
            return known
        with qdrant_errors(name):
            info = self._client.get_collection(name)
        found = read_generation(name, info)
        with self._lock:
            self._known[name] = found
        return found

    def _forget(self, name: str) -> None:
        with self._lock:
            self._known.pop(name, None)

    @contextmanager
    def _about(self, name: str) -> Iterator[None]:
        """Translate errors of requests about a catalog. A missing collection is looked up again next time."""
        try:
            with qdrant_errors(name):
                yield
        except NotFound:
            self._forget(name)
            raise

    def _index(self, found: QdrantGeneration, rows: Sequence[Mapping[str, Any]]) -> None:
        """Index new catalog fields. Creating an index twice has no effect on the server."""
        for path, kind in found.indexes.missing(rows).items():
            self._client.create_payload_index(found.collection, path, SCHEMA[kind], wait=True)
            found.indexes.by_path[path] = kind

    def _engine_form(self, name: str, where: Filter | None) -> Filter | None:
        """Return the filter with its dates, after looking for fields whose datetimes other processes have indexed."""
        lacking = fields_without_dates(where, self._resolve(name).indexes)
        indexes = self._resolve(name, fresh=bool(lacking)).indexes
        return with_date_conditions(name, where, indexes)

    def _pages(
        self, name: str, where: models.Filter | None, *, with_vectors: bool
    ) -> Iterator[StoredPoint]:
        collection = self._resolve(name).collection
        pages = scroll_pages(self._client, collection, where, with_vectors=with_vectors)
        while True:
            with self._about(name):
                page = next(pages, None)
            if page is None:
                return
            yield from page
