"""The `VectorStore` protocol. One contract suite tests every implementation.

A catalog's name is an *alias* for one *generation*: a real collection created for a single embedding
space (model, revision and image policy). Vectors from any other space are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vitrine.core.filters import Filter
from vitrine.core.types import Payload
from vitrine.store.facets import Facet

ITEM_FIELD = "item_id"
INDEX_FIELD = "image_index"
URL_FIELD = "image_url"
FIELDS_FIELD = "fields"  #: Holds the catalog's own fields, so that their names cannot collide.
DATES_FIELD = "dates"  #: Holds the datetimes among the fields' values again, for their index.
PROVENANCE_FIELD = "provenance"
MAX_COUNTED_ITEMS = 100_000
"""Count at most this many items of a collection; beyond it, report only that there are more. Counting this many
blocks the embedded engine for 0.2 s."""


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """An embedding space. Only vectors from the same space are comparable."""

    model: str  #: Canonical model name.
    revision: str  #: Identifies what was loaded: a hash of the weights or the hub's commit.
    policy: str  #: Version of the image policy (decoding, orientation, background, resize).
    dimension: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a vector comes from. Stored with the vector."""

    job: str
    model: str
    revision: str
    policy: str
    content_sha256: str
    etag: str | None
    embedded_at: str  #: UTC, ISO 8601, seconds.

    def as_payload(self) -> dict[str, str | None]:
        """Return the value stored in the point's payload."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Points for one upsert, stored by column. `vectors` is float32 [n, dimension] of unit length."""

    ids: Sequence[str]
    vectors: NDArray[np.float32]
    item_ids: Sequence[str]
    indexes: Sequence[int]
    urls: Sequence[str]
    fields: Sequence[Payload]
    provenance: Sequence[Provenance]

    def payload(self, row: int) -> dict[str, Any]:
        """Return the full payload of one point."""
        return {
            ITEM_FIELD: self.item_ids[row],
            INDEX_FIELD: self.indexes[row],
            URL_FIELD: self.urls[row],
            FIELDS_FIELD: dict(self.fields[row]),
            PROVENANCE_FIELD: self.provenance[row].as_payload(),
        }


@dataclass(frozen=True, slots=True)
class Hit:
    """One matching point with its cosine score in [-1, 1]."""

    id: str
    score: float
    item_id: str
    index: int
    url: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemHits:
    """The hits of one item, best first. Items are ordered by their best hit."""

    item_id: str
    hits: tuple[Hit, ...]

    @property
    def score(self) -> float:
        """The score of the best hit."""
        return self.hits[0].score


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point as stored; `vector` is float32 [dimension]."""

    id: str
    payload: Mapping[str, Any]
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """The current state of a catalog's collection."""

    name: str  #: The alias: the catalog's name.
    generation: str  #: The real collection that the alias points to.
    space: EmbeddingSpace
    points: int
    indexed_fields: Mapping[str, str]  #: Catalog field -> `keyword`, `float`, `bool` or `datetime`.


@dataclass(frozen=True, slots=True)
class IndexState:
    """Progress of a collection's vector index (HNSW). Searches find every point in any state, only slower."""

    points: int  #: The engine's count, which may be approximate.
    indexed: int  #: Points in the index; all others are compared one by one.
    deferred: bool  #: A bulk load is running: nothing is built until `build_index`.
    green: bool  #: Not deferred, and too few unindexed points remain to be worth building.


@dataclass(frozen=True, slots=True)
class Footprint:
    """The size of a collection."""

    items: int  #: Distinct items among its points, capped at `MAX_COUNTED_ITEMS`.
    more_items: bool  #: There are more items than were counted.
    disk_bytes: int | None  #: Disk space of its files; None if the store does not report it.


class VectorStore(Protocol):
    """The interface to a store. Every method may raise `StoreUnavailable`. Names are catalog names (aliases)."""

    def ping(self) -> None:
        """Return if the store responds."""

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        """Create the first generation and its alias, or check that the existing one uses this space.

        Safe to call from many workers at the same time. Raises `SpaceMismatch` naming both spaces.
        """

    def upsert(self, name: str, points: PointBatch) -> None:
        """Write points, replacing those with the same ids, and return once they are searchable.

        Once this returns, the points survive the death of any process. How much a power cut can lose depends on
        the store.

        Refuses vectors that are not finite, not of unit length or of the wrong dimension. That raises `ValueError`,
        a programming error: callers filter out such pictures first. Indexes new catalog fields by their type.
        """

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
        """Return the `top` nearest items, each with up to `per_item` of its pictures. Raises `NotFound`."""

    def item(self, name: str, item_id: str) -> list[StoredPoint]:
        """Return every point of an item by picture index, or an empty list. Raises `NotFound` for the collection."""

    def points(self, name: str, ids: Sequence[str]) -> list[StoredPoint]:
        """Return those of these points that exist, in no particular order. Raises `NotFound` for the collection."""

    def sample(self, name: str, count: int) -> NDArray[np.float32]:
        """Return the vectors of up to `count` randomly drawn points, without repeats: float32 [n, dimension].

        Raises `NotFound` for the collection and `BadInput` if the count is out of bounds.
        """

    def scroll(self, name: str, *, with_vectors: bool = True) -> Iterator[StoredPoint]:
        """Stream every point in no particular order."""

    def count(self, name: str, where: Filter | None = None) -> int:
        """Return the exact number of points."""

    def facet(self, name: str, field: str, *, where: Filter | None = None, top: int = 20) -> Facet:
        """Count an indexed field's `top` most common values, or the distribution of its numbers or dates, in matching points.

        Raises `NotFound` for the collection and `BadInput` for a field that is not indexed.
        """

    def space(self, name: str) -> EmbeddingSpace:
        """Return the collection's current space without counting anything; searches call it first. Raises `NotFound`."""

    def indexed_fields(self, name: str) -> Mapping[str, str]:
        """The catalog fields that have an index, with its type, and nothing counted; raises `NotFound`.

        May be some seconds old where another process has indexed a field since.
        """

    def describe(self, name: str) -> CollectionInfo:
        """Describe one collection. Raises `NotFound`."""

    def footprint(self, name: str) -> Footprint:
        """Measure one collection. Counts items, so call it only for detail views. Raises `NotFound`."""

    def collections(self) -> list[CollectionInfo]:
        """Return every catalog's collection, sorted by name."""

    def delete(self, name: str) -> None:
        """Remove the alias and its generation. Raises `NotFound`."""

    def defer_index(self, name: str) -> None:
        """Build no index until `build_index`, because a bulk load is running. Raises `NotFound`.

        Call it again every few seconds during the load: a store may forget the deferral when it restarts, and a store
        that runs in a vitrine process drops it one minute after the last call.
        """

    def build_index(self, name: str) -> None:
        """Build the missing part of the index now, because the load is over. Raises `NotFound`.

        Returns immediately; poll `index_state` for completion. Safe to call at any time, twice, and from many workers.
        """

    def index_state(self, name: str) -> IndexState:
        """Return the progress of the index. Raises `NotFound`."""

    def deferred(self) -> list[str]:
        """Return the names of collections whose index is deferred, so that an abandoned deferral can be found."""

    def close(self) -> None:
        """Release files and connections. Safe to call twice."""
