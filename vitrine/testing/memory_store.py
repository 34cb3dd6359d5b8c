"""A vector store in memory: brute force over arrays, for unit tests and as a reference for the engines."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.core.datetimes import is_datetime
from vitrine.core.errors import NotFound
from vitrine.core.filters import Filter
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.store.base import (
    FIELDS_FIELD,
    INDEX_FIELD,
    ITEM_FIELD,
    MAX_COUNTED_ITEMS,
    CollectionInfo,
    EmbeddingSpace,
    Footprint,
    Hit,
    IndexState,
    ItemHits,
    PointBatch,
    StoredPoint,
)
from vitrine.store.checks import check_points, check_query, check_sample, checked_payloads
from vitrine.store.counting import facet
from vitrine.store.dates import with_date_conditions, with_dates
from vitrine.store.facets import Facet, FacetValue
from vitrine.store.field_types import FieldIndexes
from vitrine.store.grouping import hits_by_item
from vitrine.store.hits import read_hit, read_point
from vitrine.store.spaces import generation_name, require_same_space
from vitrine.testing.matching import matches


@dataclass(slots=True)
class _Collection:
    """One catalog's points by id: payload and vector."""

    space: EmbeddingSpace
    points: dict[str, tuple[dict[str, Any], NDArray[np.float32]]] = field(default_factory=dict)
    indexes: FieldIndexes = field(default_factory=FieldIndexes)
    deferred: bool = False
    built: int = 0  #: Points that an index would contain.

    def build(self, worth: int) -> None:
        """Count all points as indexed if at least `worth` are not yet."""
        if not self.deferred and len(self.points) - self.built >= worth:
            self.built = len(self.points)

    def rows(self, where: Filter | None) -> list[str]:
        return [
            key
            for key, (payload, _) in self.points.items()
            if where is None or matches(where, payload[FIELDS_FIELD])
        ]


class _Counter:
    """A `vitrine.store.counting.FacetCounter` over the payloads."""

    def __init__(self, collection: _Collection) -> None:
        self._collection = collection

    def words(self, field: str, where: Filter | None, limit: int) -> list[FacetValue]:
        counted: Counter[str] = Counter()
        for values in self._values(field, where):
            counted.update({word for word in values if isinstance(word, str)})
        ranked = sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
        return [FacetValue(word, points) for word, points in ranked[:limit]]

    def extreme(self, field: str, where: Filter | None, *, largest: bool) -> float | None:
        numbers = [
            float(value)
            for values in self._values(field, where)
            for value in values
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        return (max(numbers) if largest else min(numbers)) if numbers else None

    def extreme_date(self, field: str, where: Filter | None, *, largest: bool) -> str | None:
        dates = [
            value
            for values in self._values(field, where)
            for value in values
            if isinstance(value, str) and is_datetime(value)
        ]
        return (max(dates) if largest else min(dates)) if dates else None

    def count(self, where: Filter | None) -> int:
        return len(self._collection.rows(where))

    def _values(self, field: str, where: Filter | None) -> Iterator[list[Any]]:
        """Yield each passing point's values, of which a list has several."""
        for key in self._collection.rows(where):
            value = self._collection.points[key][0][FIELDS_FIELD].get(field)
            yield value if isinstance(value, list) else [value]


class MemoryStore:
    """A `VectorStore` that exists only in its process. Every method takes one lock.

    It has no index and only simulates the state of one, built immediately once `options.index_points` are unindexed.
    """

    def __init__(self, *, options: StoreOptions = DEFAULTS) -> None:
        self._options = options
        self._collections: dict[str, _Collection] = {}
        self._lock = threading.RLock()

    def ping(self) -> None:
        """Return immediately."""

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        """Create the collection, or check its space."""
        with self._lock:
            collection = self._collections.setdefault(name, _Collection(space))
            require_same_space(name, collection.space, space)

    def upsert(self, name: str, points: PointBatch) -> None:
        """Store the points, replacing those with the same ids."""
        with self._lock:
            collection = self._get(name)
            check_points(name, points, collection.space)
            made = checked_payloads(points)
            collection.indexes.by_path |= collection.indexes.missing(map(with_dates, made))
            for key, payload, vector in zip(points.ids, made, points.vectors, strict=True):
                collection.points[key] = (payload, vector.copy())
            collection.build(self._options.index_points)

    def search(
        self,
        name: str,
        vector: NDArray[np.float32],
        *,
        top: int,
        where: Filter | None = None,
        exclude_items: Sequence[str] = (),
        per_item: int = 1,
        exact: bool = False,  # noqa: ARG002  the protocol's; brute force is always exact
    ) -> list[ItemHits]:
        """Rank every point, then group."""
        with self._lock:
            collection = self._get(name)
            check_query(vector, collection.space.dimension, top, per_item)
            where = with_date_conditions(name, where, collection.indexes)
            unit = vector / np.linalg.norm(vector)
            hits = [
                self._hit(collection, key, unit)
                for key in collection.rows(where)
                if collection.points[key][0][ITEM_FIELD] not in exclude_items
            ]
        ranked = hits_by_item(sorted(hits, key=lambda hit: (-hit.score, hit.item_id, hit.index)))
        return [ItemHits(item, tuple(group[:per_item])) for item, group in ranked.items()][:top]

    def item(self, name: str, item_id: str) -> list[StoredPoint]:
        """Return the item's points by picture index."""
        points = [point for point in self.scroll(name) if point.payload[ITEM_FIELD] == item_id]
        return sorted(points, key=lambda point: point.payload[INDEX_FIELD])

    def points(self, name: str, ids: Sequence[str]) -> list[StoredPoint]:
        """Return those of the points that exist."""
        with self._lock:
            kept = self._get(name).points
            return [read_point(key, *kept[key]) for key in ids if key in kept]

    def sample(self, name: str, count: int) -> NDArray[np.float32]:
        """Return a sample, the same every time, so that tests are deterministic."""
        check_sample(count)
        with self._lock:
            collection = self._get(name)
            vectors = [vector for _, vector in collection.points.values()]
        rows = np.random.default_rng(0).permutation(len(vectors))[:count]
        return np.array([vectors[row] for row in rows], np.float32).reshape(
            len(rows), collection.space.dimension
        )

    def scroll(self, name: str, *, with_vectors: bool = True) -> Iterator[StoredPoint]:
        """Yield every point present when the first is consumed."""
        with self._lock:
            stored = list(self._get(name).points.items())
        for key, (payload, vector) in stored:
            yield read_point(key, payload, vector if with_vectors else None)

    def count(self, name: str, where: Filter | None = None) -> int:
        """Count the points that pass the filter."""
        with self._lock:
            collection = self._get(name)
            return len(collection.rows(with_date_conditions(name, where, collection.indexes)))

    def facet(self, name: str, field: str, *, where: Filter | None = None, top: int = 20) -> Facet:
        """Count over every payload."""
        with self._lock:
            collection = self._get(name)
            where = with_date_conditions(name, where, collection.indexes)
            return facet(_Counter(collection), collection.indexes.kinds(), field, where, top)

    def space(self, name: str) -> EmbeddingSpace:
        """Return the collection's space."""
        with self._lock:
            return self._get(name).space

    def indexed_fields(self, name: str) -> Mapping[str, str]:
        """The fields with an index."""
        with self._lock:
            return self._get(name).indexes.kinds()

    def describe(self, name: str) -> CollectionInfo:
        """Describe the collection's current state."""
        with self._lock:
            collection = self._get(name)
            return CollectionInfo(
                name=name,
                generation=generation_name(name, collection.space),
                space=collection.space,
                points=len(collection.points),
                indexed_fields=collection.indexes.kinds(),
            )

    def footprint(self, name: str) -> Footprint:
        """Count the items. Nothing is on disk."""
        with self._lock:
            items = {payload[ITEM_FIELD] for payload, _ in self._get(name).points.values()}
        return Footprint(min(len(items), MAX_COUNTED_ITEMS), len(items) > MAX_COUNTED_ITEMS, None)

    def collections(self) -> list[CollectionInfo]:
        """Return every collection, sorted by name."""
        with self._lock:
            return [self.describe(name) for name in sorted(self._collections)]

    def delete(self, name: str) -> None:
        """Remove the collection."""
        with self._lock:
            self._get(name)
            del self._collections[name]

    def defer_index(self, name: str) -> None:
        """Stop counting new points as indexed."""
        with self._lock:
            self._get(name).deferred = True

    def build_index(self, name: str) -> None:
        """Count new points as indexed again."""
        with self._lock:
            collection = self._get(name)
            collection.deferred = False
            collection.build(self._options.index_points)

    def index_state(self, name: str) -> IndexState:
        """Return the simulated state of the index."""
        with self._lock:
            collection = self._get(name)
            points = len(collection.points)
            green = (
                not collection.deferred and points - collection.built < self._options.index_points
            )
            return IndexState(points, min(points, collection.built), collection.deferred, green)

    def deferred(self) -> list[str]:
        """Return collections whose index is deferred."""
        with self._lock:
            return sorted(name for name, made in self._collections.items() if made.deferred)

    def close(self) -> None:
        """Do nothing, because nothing is open."""

    def _get(self, name: str) -> _Collection:
        try:
            return self._collections[name]
        except KeyError:
            raise NotFound(f"There is no collection {name!r}.") from None

    @staticmethod
    def _hit(collection: _Collection, key: str, unit: NDArray[np.float32]) -> Hit:
        payload, vector = collection.points[key]
        return read_hit(key, float(vector @ unit), payload)
