"""What the store promises, as a protocol; one contract suite runs over every implementation.

A catalog's name is an *alias*; behind it stands one *generation*, a real collection made for one
embedding space: model, its revision and the image policy. Vectors of another space are refused by name.
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
FIELDS_FIELD = "fields"  #: The catalog's own fields live beneath this key, so that no name of theirs can collide.
PROVENANCE_FIELD = "provenance"
MAX_COUNTED_ITEMS = 100_000
"""Items that are counted to tell how many there are; beyond, that there are more is told. So many take the embedded
engine 0.2 s, in which it answers nobody else."""


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """An embedding space: vectors are comparable only within one."""

    model: str  #: Canonical model name.
    revision: str  #: What exactly was loaded: a hash of the weights or the hub's commit.
    policy: str  #: Version of the image policy (decoding, orientation, background, resize).
    dimension: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a vector comes from; stored with it."""

    job: str
    model: str
    revision: str
    policy: str
    content_sha256: str
    etag: str | None
    embedded_at: str  #: UTC, ISO 8601, seconds.

    def as_payload(self) -> dict[str, str | None]:
        """As it stands in the point's payload."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Points for one upsert, column by column; `vectors` is float32 [n, dimension] of unit length."""

    ids: Sequence[str]
    vectors: NDArray[np.float32]
    item_ids: Sequence[str]
    indexes: Sequence[int]
    urls: Sequence[str]
    fields: Sequence[Payload]
    provenance: Sequence[Provenance]

    def payload(self, row: int) -> dict[str, Any]:
        """The whole payload of one point."""
        return {
            ITEM_FIELD: self.item_ids[row],
            INDEX_FIELD: self.indexes[row],
            URL_FIELD: self.urls[row],
            FIELDS_FIELD: dict(self.fields[row]),
            PROVENANCE_FIELD: self.provenance[row].as_payload(),
        }


@dataclass(frozen=True, slots=True)
class Hit:
    """One point found, with its cosine score in [-1, 1]."""

    id: str
    score: float
    item_id: str
    index: int
    url: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemHits:
    """The hits of one item, best first; items come in the order of their best hit."""

    item_id: str
    hits: tuple[Hit, ...]

    @property
    def score(self) -> float:
        """The best hit's score."""
        return self.hits[0].score


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point as stored; `vector` is float32 [dimension]."""

    id: str
    payload: Mapping[str, Any]
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A catalog's collection as it stands."""

    name: str  #: The alias: the catalog's name.
    generation: str  #: The real collection behind it.
    space: EmbeddingSpace
    points: int
    indexed_fields: Mapping[str, str]  #: Catalog field -> `keyword`, `integer`, `float` or `bool`.


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far a collection's vector index (HNSW) is; searches find everything at any state, only slower."""

    points: int  #: As the engine counts them, which may be approximate.
    indexed: int  #: Points that the index holds; the others are compared one by one.
    deferred: bool  #: A bulk load is on: nothing is built until `build_index`.
    green: bool  #: Not deferred, and nothing is left that is worth building.


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a collection takes up."""

    items: int  #: Different items among its points; past `MAX_COUNTED_ITEMS` that many.
    more_items: bool  #: There are more than were counted.
    disk_bytes: int | None  #: Of the store's files for it; None where the store does not tell.


class VectorStore(Protocol):
    """The gateway. Every method may raise `StoreUnavailable`; names are the catalogs' (aliases)."""

    def ping(self) -> None:
        """Return when the store answers."""

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        """Make the first generation and its alias, or check that the one there is of this space.

        Safe to call from many workers at once. Raises `SpaceMismatch` naming both spaces.
        """

    def upsert(self, name: str, points: PointBatch) -> None:
        """Write points, replacing those of the same ids; returns once they can be searched.

        What returned survives the death of any process; how much a power cut can take is the store's own affair.

        Refuses vectors that are not finite, not of unit length or of the wrong dimension (`ValueError`, a
        programming error: callers filter those by picture before). Indexes new catalog fields by their type.
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
        """The `top` nearest items, each with up to `per_item` of its pictures; raises `NotFound`."""

    def item(self, name: str, item_id: str) -> list[StoredPoint]:
        """Every point of an item, by picture index; empty where there is none; raises `NotFound` for the collection."""

    def points(self, name: str, ids: Sequence[str]) -> list[StoredPoint]:
        """Those of these points that are there, in no order; raises `NotFound` for the collection."""

    def sample(self, name: str, count: int) -> NDArray[np.float32]:
        """Vectors of up to `count` points drawn at random, each at most once: float32 [n, dimension].

        Raises `NotFound` for the collection, `BadInput` for a count out of bounds.
        """

    def scroll(self, name: str, *, with_vectors: bool = True) -> Iterator[StoredPoint]:
        """Every point, streamed in no order."""

    def count(self, name: str, where: Filter | None = None) -> int:
        """Points, counted exactly."""

    def facet(self, name: str, field: str, *, where: Filter | None = None, top: int = 20) -> Facet:
        """What an indexed field holds among the points that pass: its `top` commonest values, or its numbers' spread.

        Raises `NotFound` for the collection, `BadInput` for a field that is not indexed.
        """

    def space(self, name: str) -> EmbeddingSpace:
        """What a search asks first: the collection's space as it is now, nothing counted; raises `NotFound`."""

    def indexed_fields(self, name: str) -> Mapping[str, str]:
        """The catalog fields that have an index, with its type, and nothing counted; raises `NotFound`.

        May be some seconds old where another process has indexed a field since.
        """

    def describe(self, name: str) -> CollectionInfo:
        """One collection; raises `NotFound`."""

    def footprint(self, name: str) -> Footprint:
        """What it takes up: for people who look at one collection, since items have to be counted; raises `NotFound`."""

    def collections(self) -> list[CollectionInfo]:
        """Every catalog's collection, by name."""

    def delete(self, name: str) -> None:
        """Remove the alias and its generation; raises `NotFound`."""

    def defer_index(self, name: str) -> None:
        """A bulk load is on: build no index until `build_index`; raises `NotFound`.

        To be said again every few seconds while it holds: a store may forget it when it restarts, and one
        that runs in a process of ours does so a minute after it was last said.
        """

    def build_index(self, name: str) -> None:
        """The load is over: build what is missing, now; raises `NotFound`.

        Returns at once; `index_state` tells the end. Safe to call at any time, twice, and from many workers.
        """

    def index_state(self, name: str) -> IndexState:
        """How far the index is; raises `NotFound`."""

    def deferred(self) -> list[str]:
        """Names of the collections whose index is deferred, so that one left behind can be found."""

    def close(self) -> None:
        """Let go of files and connections; safe to call twice."""
