"""The embedded store: Qdrant's engine inside this process, one directory, no server.

A lock file ensures that only one process uses a directory at a time; other processes reach it through
`vitrine.store.remote.server`. The directory contains `catalog.json` (names, spaces, directories) and
`generations/`, with one shard per catalog.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import qdrant_edge as q
from numpy.typing import NDArray

from vitrine.core.errors import NotFound, StoreUnavailable
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
from vitrine.store.dates import with_date_conditions, with_dates
from vitrine.store.disk_usage import disk_bytes
from vitrine.store.embedded.catalog import CatalogEntry, read_catalog, write_catalog
from vitrine.store.embedded.counter import EmbeddedCounter
from vitrine.store.embedded.filters import engine_filter, with_flags
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.embedded.ranker import EmbeddedRanker
from vitrine.store.embedded.scroll import scroll_points
from vitrine.store.embedded.upkeep import IndexMaintenance
from vitrine.store.facets import Facet
from vitrine.store.grouping import group_by_item
from vitrine.store.hits import read_point
from vitrine.store.spaces import generation_name, require_same_space

CATALOG_FILE = "catalog.json"
GENERATIONS = "generations"
LOCK_FILE = "lock"


class EmbeddedStore:
    """A `VectorStore` in a directory. Raises `StoreUnavailable` if another process has it open."""

    def __init__(self, path: Path, *, options: StoreOptions = DEFAULTS) -> None:
        self._path = path
        self._options = options
        (path / GENERATIONS).mkdir(parents=True, exist_ok=True)
        self._lock_file: int | None = _lock(path)
        self._lock = threading.RLock()
        self._open: dict[str, EmbeddedGeneration] = {}
        try:
            self._entries = read_catalog(path / CATALOG_FILE)
            self._remove_leftovers()
            for name, entry in self._entries.items():
                self._open[name] = EmbeddedGeneration.load(self._directory(entry.directory))
        except BaseException:
            self._release()
            raise
        self._upkeep = IndexMaintenance(self, options)
        self._upkeep.start()

    def ping(self) -> None:
        """Return if the store is open."""
        if self._lock_file is None:
            raise StoreUnavailable("The embedded store is closed.")

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        """Create the shard and add it to the catalog file, or check its space."""
        with self._lock:
            self.ping()
            entry = self._entries.get(name)
            if entry is not None:
                require_same_space(name, entry.space, space)
                return
            generation = generation_name(name, space)
            directory = self._directory(generation)
            shutil.rmtree(directory, ignore_errors=True)
            made = EmbeddedGeneration.create(directory, space.dimension, self._options)
            try:
                self._write(self._entries | {name: CatalogEntry(generation, space, generation)})
            except BaseException:
                made.close()
                raise
            self._open[name] = made

    def upsert(self, name: str, points: PointBatch) -> None:
        """Write the points. Once this returns, they survive the death of the process."""
        entry, shard = self._get(name)
        check_points(name, points, entry.space)
        kept = [with_flags(with_dates(payload)) for payload in checked_payloads(points)]
        if kept:
            shard.upsert(points.ids, points.vectors, kept, shard.indexes.missing(kept))

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
        """Return the nearest items. `exact` compares every point even if there is an HNSW graph."""
        entry, shard = self._get(name)
        check_query(vector, entry.space.dimension, top, per_item)
        where = with_date_conditions(name, where, shard.indexes)
        ranker = EmbeddedRanker(shard, vector, where, q.SearchParams(exact=exact))
        return group_by_item(ranker, top, per_item, exclude_items)

    def item(self, name: str, item_id: str) -> list[StoredPoint]:
        """Return the item's points by picture index."""
        where = engine_filter(None, item=item_id)
        points = list(scroll_points(self._get(name)[1], where, with_vectors=True))
        return sorted(points, key=lambda point: point.payload[INDEX_FIELD])

    def points(self, name: str, ids: Sequence[str]) -> list[StoredPoint]:
        """Return those of the points that exist."""
        records = self._get(name)[1].retrieve(ids)
        return [read_point(one.id, one.payload or {}, one.vector) for one in records]  # type: ignore[arg-type]  # one unnamed vector

    def sample(self, name: str, count: int) -> NDArray[np.float32]:
        """Sample with the engine's random query."""
        check_sample(count)
        entry, shard = self._get(name)
        request = q.QueryRequest(limit=count, query=q.Sample.Random, with_vector=True)
        drawn = [point.vector for point in shard.query([request])[0]]
        return np.array(drawn, np.float32).reshape(len(drawn), entry.space.dimension)

    def scroll(self, name: str, *, with_vectors: bool = True) -> Iterator[StoredPoint]:
        """Stream every point page by page. Raises `NotFound` on the call, not with the first page."""
        return scroll_points(self._get(name)[1], None, with_vectors=with_vectors)

    def count(self, name: str, where: Filter | None = None) -> int:
        """Count the points that pass the filter."""
        shard = self._get(name)[1]
        return shard.count(engine_filter(with_date_conditions(name, where, shard.indexes)))

    def facet(self, name: str, field: str, *, where: Filter | None = None, top: int = 20) -> Facet:
        """Count from the engine's payload indexes."""
        shard = self._get(name)[1]
        where = with_date_conditions(name, where, shard.indexes)
        return facet(EmbeddedCounter(shard), shard.indexes.kinds(), field, where, top)

    def space(self, name: str) -> EmbeddingSpace:
        """Return the space from the catalog file's copy in memory."""
        return self._get(name)[0].space

    def indexed_fields(self, name: str) -> Mapping[str, str]:
        """As the engine has them in memory."""
        return self._get(name)[1].indexes.kinds()

    def describe(self, name: str) -> CollectionInfo:
        """Describe the collection's current state."""
        entry, shard = self._get(name)
        return CollectionInfo(
            name, entry.generation, entry.space, shard.count(None), shard.indexes.kinds()
        )

    def footprint(self, name: str) -> Footprint:
        """Count items from the engine's index of their ids, and bytes as disk blocks, because files may have holes."""
        shard = self._get(name)[1]
        items = EmbeddedCounter(shard).values(ITEM_FIELD, MAX_COUNTED_ITEMS + 1)
        return Footprint(
            min(items, MAX_COUNTED_ITEMS), items > MAX_COUNTED_ITEMS, disk_bytes(shard.directory)
        )

    def collections(self) -> list[CollectionInfo]:
        """Return every collection, sorted by name."""
        with self._lock:
            return [self.describe(name) for name in sorted(self._entries)]

    def delete(self, name: str) -> None:
        """Remove the name from the catalog file, then the points. A crash in between leaves only unused files."""
        with self._lock:
            _, shard = self._get(name)
            self._write({key: entry for key, entry in self._entries.items() if key != name})
            del self._open[name]
            shard.close()
            shutil.rmtree(shard.directory, ignore_errors=True)

    def close(self) -> None:
        """Stop maintenance, flush, and release the directory."""
        if self._lock_file is not None:
            self._upkeep.stop()
            self._release()

    def defer_index(self, name: str) -> None:
        """Build nothing for a minute."""
        self._upkeep.schedule.defer(self._get(name)[1])

    def build_index(self, name: str) -> None:
        """Build the HNSW graph in the background if enough points are unindexed."""
        self._upkeep.build_soon(self._get(name)[1])

    def index_state(self, name: str) -> IndexState:
        """Return the progress of the HNSW graph. During a build, it is the state from before the build."""
        return self._upkeep.schedule.state(self._get(name)[1])

    def deferred(self) -> list[str]:
        """Return the currently deferred collections."""
        shards = self.generations().items()
        return sorted(name for name, shard in shards if self._upkeep.schedule.deferred(shard))

    def build_and_wait(self, name: str) -> bool:
        """Build a collection's HNSW graph now, however few points it has. Returns False if the build was abandoned."""
        return self._upkeep.build(name, self._get(name)[1])

    def generations(self) -> dict[str, EmbeddedGeneration]:
        """Return the open shards by catalog name, for maintenance."""
        with self._lock:
            return dict(self._open)

    def move(self, name: str, shard: EmbeddedGeneration, target: Path) -> None:
        """Replace a shard with its optimised copy and remove the old directory."""
        with self._lock:
            if self._open.get(name) is not shard:
                raise NotFound(f"Collection {name!r} was deleted meanwhile.")
            old = shard.directory
            entry = replace(self._entries[name], directory=target.name)
            shard.switch_to_copy(target, lambda: self._write(self._entries | {name: entry}))
        shutil.rmtree(old, ignore_errors=True)

    def _get(self, name: str) -> tuple[CatalogEntry, EmbeddedGeneration]:
        with self._lock:
            self.ping()
            if name not in self._entries:
                raise NotFound(f"There is no collection {name!r}.")
            return self._entries[name], self._open[name]

    def _write(self, entries: dict[str, CatalogEntry]) -> None:
        write_catalog(self._path / CATALOG_FILE, entries)
        self._entries = entries

    def _directory(self, name: str) -> Path:
        return self._path / GENERATIONS / name

    def _remove_leftovers(self) -> None:
        """Remove directories that the catalog does not name, left by a crash."""
        named = {entry.directory for entry in self._entries.values()}
        for directory in (self._path / GENERATIONS).iterdir():
            if directory.name not in named:
                shutil.rmtree(directory, ignore_errors=True)

    def _release(self) -> None:
        """Close every shard, even if closing one fails, then release the directory."""
        with self._lock, ExitStack() as last_steps:
            last_steps.callback(self._unlock)
            for shard in self._open.values():
                last_steps.callback(shard.close)

    def _unlock(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def _lock(path: Path) -> int:
    """Lock the directory for this process. The lock lasts until the returned descriptor is closed."""
    descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailable(
            f"The store at {path} is already in use by another process.",
            hint="Stop that process, or reach it over HTTP (edge+http://).",
        ) from error
    return descriptor
