"""One generation of points in the embedded engine: a directory, opened as one shard.

The engine's binding holds the interpreter's lock through every call, so calls never overlap; the lock
here only keeps a call from meeting a shard that is being replaced. Durability: an update is in the
memory-mapped write-ahead log when it returns, so it survives the death of the process at any moment; it
survives a power cut once `flush` has run, which the upkeep thread does every few seconds.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import qdrant_edge as q
from numpy.typing import NDArray

from vitrine.core.errors import StoreRejected, StoreUnavailable
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.store.base import ITEM_FIELD
from vitrine.store.embedded.filters import FLAGS_FIELD
from vitrine.store.field_types import field_of_path, payload_path

T = TypeVar("T")

_SCHEMA = {
    "keyword": q.PayloadSchemaType.Keyword,
    "float": q.PayloadSchemaType.Float,
    "bool": q.PayloadSchemaType.Bool,
}
_KINDS = {schema: kind for kind, schema in _SCHEMA.items()}
ENGINE_THRESHOLD = 10_000
"""Kilobytes of vectors from which the engine builds a graph for a segment: its own default."""
FLOAT_BYTES = 4
REPLAY_PAGE = 500  #: Points carried over at a time when an optimised copy takes the shard's place.


class EmbeddedGeneration:
    """An open shard; every method is safe from several threads."""

    def __init__(self, directory: Path, shard: q.EdgeShard) -> None:
        self.directory = directory
        self._shard: q.EdgeShard | None = shard
        self._lock = threading.Lock()
        self._writes = threading.RLock()
        self._changed: set[str] | None = None
        self.indexed: dict[str, str] = _indexed_fields(shard)
        self.dirty = False

    @classmethod
    def create(
        cls, directory: Path, dimension: int, options: StoreOptions = DEFAULTS
    ) -> EmbeddedGeneration:
        """A new, empty one, under these options; the directory must not exist."""
        kilobytes = options.index_points * dimension * FLOAT_BYTES // 1024
        threshold = max(1, min(ENGINE_THRESHOLD, kilobytes))
        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=dimension, distance=q.Distance.Cosine),
            optimizers=q.EdgeOptimizersConfig(indexing_threshold=threshold),
        )
        with engine_errors():
            shard = q.EdgeShard.create(str(directory), config)
            for key in (ITEM_FIELD, FLAGS_FIELD):
                shard.update(q.UpdateOperation.create_field_index(key, _SCHEMA["keyword"]))
            shard.flush()
        return cls(directory, shard)

    @classmethod
    def load(cls, directory: Path) -> EmbeddedGeneration:
        """The one that stands there, with what its write-ahead log still holds."""
        with engine_errors():
            return cls(directory, q.EdgeShard.load(str(directory)))

    def upsert(
        self,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, Any]],
        new_indexes: Mapping[str, str],
    ) -> None:
        """Write points; `vectors` is float32 [n, dimension]."""
        rows = zip(ids, vectors, payloads, strict=True)
        # The binding reads a sequence value by value. Through a memoryview that takes a third of the time that
        # an array takes (10 against 30 us a vector of 768), and less than making a list of floats first.
        points = [
            q.Point(key, memoryview(vector), dict(payload))  # type: ignore[arg-type]  # any sequence will do
            for key, vector, payload in rows
        ]
        with self._writes:
            for field, kind in new_indexes.items():
                self._index(field, kind)
            self._call(lambda shard: shard.update(q.UpdateOperation.upsert_points(points)))
            self.dirty = True
            if self._changed is not None:
                self._changed.update(ids)

    def query(self, requests: Sequence[q.QueryRequest]) -> list[list[q.ScoredPoint]]:
        """Answer several queries."""
        batch = q.QueryBatchRequest(list(requests))
        return self._call(lambda shard: shard.query_batch(batch))

    def retrieve(self, ids: Sequence[str]) -> list[q.Record]:
        """Those of these points that are there, whole."""
        return self._records(list(ids))

    def scroll(self, request: q.ScrollRequest) -> tuple[list[q.Record], Any]:
        """A page of points, and where the next one starts."""
        return self._call(lambda shard: shard.scroll(request))

    def count(self, where: q.Filter | None) -> int:
        """Points, exactly."""
        request = q.CountRequest(exact=True, filter=where)
        return self._call(lambda shard: shard.count(request))

    def facet(self, request: q.FacetRequest) -> q.FacetResponse:
        """Values of a payload key with their counts."""
        return self._call(lambda shard: shard.facet(request))

    def progress(self) -> tuple[int, int]:
        """Points, and those of them that an HNSW graph holds; every query compares the others one by one."""
        info = self._call(lambda shard: shard.info())
        return info.points_count, min(info.points_count, info.indexed_vectors_count)

    def flush(self) -> None:
        """Bring what was written so far to the disk, and shorten the write-ahead log."""
        with self._writes:
            self._call(lambda shard: shard.flush())
            self.dirty = False

    def close(self) -> None:
        """Flush and release the files; safe to call twice."""
        with self._writes, self._lock, engine_errors():
            shard, self._shard = self._shard, None
            if shard is not None:
                try:
                    shard.flush()
                finally:
                    shard.close()

    def release(self) -> q.EdgeShard | None:
        """Give up the shard without closing it."""
        shard, self._shard = self._shard, None
        return shard

    def copy_to(self, target: Path) -> None:
        """Copy the points as they are to a new directory, and note from now on which ones change.

        Writes wait meanwhile; queries do not.
        """
        with self._writes:
            self.flush()
            shutil.copytree(self.directory, target)
            self._changed = set()

    def stop_tracking_changes(self) -> None:
        """Stop noting changes: the copy will not be used."""
        with self._writes:
            self._changed = None

    def switch_to_copy(self, target: Path, commit: Callable[[], None]) -> None:
        """Go on with a copy in place of the directory, bringing it up to date first.

        `commit` makes the change of directory lasting; it runs when the copy has everything on disk and
        before the old shard is let go, so a crash at any moment leaves one complete directory named.
        """
        with self._writes:
            fresh = EmbeddedGeneration.load(target)
            try:
                self._carry_over(fresh)
                fresh.flush()
                commit()
            except BaseException:
                fresh.close()
                raise
            shard = fresh.release()
            with self._lock, engine_errors():
                old, self._shard = self._shard, shard
                if old is not None:
                    old.close()
            self.directory, self._changed = target, None

    def _carry_over(self, fresh: EmbeddedGeneration) -> None:
        for field, kind in self.indexed.items():
            if field not in fresh.indexed:
                fresh._index(field, kind)
        changed = sorted(self._changed or ())
        for start in range(0, len(changed), REPLAY_PAGE):
            page = changed[start : start + REPLAY_PAGE]
            fresh._put(self._records(page))

    def _records(self, ids: list[str]) -> list[q.Record]:
        wanted: list[q.PointId] = [*ids]
        return self._call(lambda shard: shard.retrieve(wanted, with_payload=True, with_vector=True))

    def _put(self, records: Sequence[q.Record]) -> None:
        points = [q.Point(r.id, r.vector or [], r.payload) for r in records]
        self._call(lambda shard: shard.update(q.UpdateOperation.upsert_points(points)))

    def _index(self, field: str, kind: str) -> None:
        operation = q.UpdateOperation.create_field_index(payload_path(field), _SCHEMA[kind])
        self._call(lambda shard: shard.update(operation))
        self.indexed[field] = kind

    def _call(self, action: Callable[[q.EdgeShard], T]) -> T:
        with self._lock, engine_errors():
            if self._shard is None:
                raise StoreUnavailable("The embedded store is closed.")
            return action(self._shard)


@contextmanager
def engine_errors() -> Iterator[None]:
    """The engine's errors as vitrine's: what it cannot read is rejected, the rest may pass."""
    try:
        yield
    except (StoreUnavailable, StoreRejected):
        raise
    except (ValueError, TypeError) as error:
        raise StoreRejected(f"The embedded store refuses this: {error}") from error
    except Exception as error:
        raise StoreUnavailable(f"The embedded store failed: {error}") from error


def _indexed_fields(shard: q.EdgeShard) -> dict[str, str]:
    """The catalog fields that have an index, by type, from the shard's own schema."""
    found: dict[str, str] = {}
    for path, info in shard.info().payload_schema.items():
        field = field_of_path(path)
        kind = _KINDS.get(info.data_type)
        if field is not None and kind is not None:
            found[field] = kind
    return found
