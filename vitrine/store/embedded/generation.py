"""One generation of points in the embedded engine: a directory, opened as one shard.

The engine's binding holds the GIL during every call, so calls never overlap. The lock here only keeps a
call from reaching a shard that is being replaced. Durability: an update is in the memory-mapped
write-ahead log when it returns, so it survives the death of the process at any moment. It survives a power
cut once `flush` has run, which the maintenance thread does every few seconds.
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
from vitrine.store.field_types import FieldIndexes

T = TypeVar("T")

_SCHEMA = {
    "keyword": q.PayloadSchemaType.Keyword,
    "float": q.PayloadSchemaType.Float,
    "bool": q.PayloadSchemaType.Bool,
    "datetime": q.PayloadSchemaType.Datetime,
}
_KINDS = {schema: kind for kind, schema in _SCHEMA.items()}
ENGINE_THRESHOLD = 10_000
"""Kilobytes of vectors from which the engine builds a graph for a segment: the engine's default."""
FLOAT_BYTES = 4
REPLAY_PAGE = 500  #: Points carried over per step when an optimised copy replaces the shard.


class EmbeddedGeneration:
    """An open shard. Every method is safe to call from several threads."""

    def __init__(self, directory: Path, shard: q.EdgeShard) -> None:
        self.directory = directory
        self._shard: q.EdgeShard | None = shard
        self._lock = threading.Lock()
        self._writes = threading.RLock()
        self._changed: set[str] | None = None
        self.indexes = _field_indexes(shard)
        self.dirty = False

    @classmethod
    def create(
        cls, directory: Path, dimension: int, options: StoreOptions = DEFAULTS
    ) -> EmbeddedGeneration:
        """Create an empty generation with these options. The directory must not exist."""
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
        """Open an existing generation, replaying its write-ahead log."""
        with engine_errors():
            return cls(directory, q.EdgeShard.load(str(directory)))

    def upsert(
        self,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, Any]],
        new_indexes: Mapping[str, str],
    ) -> None:
        """Write points. `vectors` is float32 [n, dimension], `new_indexes` maps payload paths to types."""
        rows = zip(ids, vectors, payloads, strict=True)
        # The binding reads a sequence value by value. A memoryview takes a third of an array's time
        # (10 against 30 us per vector of 768), and less than making a list of floats first.
        points = [
            q.Point(key, memoryview(vector), dict(payload))  # type: ignore[arg-type]  # accepts any sequence
            for key, vector, payload in rows
        ]
        with self._writes:
            for path, kind in new_indexes.items():
                self._index(path, kind)
            self._call(lambda shard: shard.update(q.UpdateOperation.upsert_points(points)))
            self.dirty = True
            if self._changed is not None:
                self._changed.update(ids)

    def query(self, requests: Sequence[q.QueryRequest]) -> list[list[q.ScoredPoint]]:
        """Run several queries in one batch."""
        batch = q.QueryBatchRequest(list(requests))
        return self._call(lambda shard: shard.query_batch(batch))

    def retrieve(self, ids: Sequence[str]) -> list[q.Record]:
        """Return those of these points that exist, with payloads and vectors."""
        return self._records(list(ids))

    def scroll(self, request: q.ScrollRequest) -> tuple[list[q.Record], Any]:
        """Return a page of points and the offset of the next one."""
        return self._call(lambda shard: shard.scroll(request))

    def count(self, where: q.Filter | None) -> int:
        """Return the exact number of points that pass."""
        request = q.CountRequest(exact=True, filter=where)
        return self._call(lambda shard: shard.count(request))

    def facet(self, request: q.FacetRequest) -> q.FacetResponse:
        """Return the values of a payload key with their counts."""
        return self._call(lambda shard: shard.facet(request))

    def progress(self) -> tuple[int, int]:
        """Return the number of points, and how many are in an HNSW graph; queries compare the rest one by one."""
        info = self._call(lambda shard: shard.info())
        return info.points_count, min(info.points_count, info.indexed_vectors_count)

    def flush(self) -> None:
        """Write pending changes to disk and shorten the write-ahead log."""
        with self._writes:
            self._call(lambda shard: shard.flush())
            self.dirty = False

    def close(self) -> None:
        """Flush and release the files. Safe to call twice."""
        with self._writes, self._lock, engine_errors():
            shard, self._shard = self._shard, None
            if shard is not None:
                try:
                    shard.flush()
                finally:
                    shard.close()

    def release(self) -> q.EdgeShard | None:
        """Hand over the shard without closing it."""
        shard, self._shard = self._shard, None
        return shard

    def copy_to(self, target: Path) -> None:
        """Copy the current points to a new directory, and track which points change from now on.

        Writes wait during the copy; queries do not.
        """
        with self._writes:
            self.flush()
            shutil.copytree(self.directory, target)
            self._changed = set()

    def stop_tracking_changes(self) -> None:
        """Stop tracking changes, because the copy will not be used."""
        with self._writes:
            self._changed = None

    def switch_to_copy(self, target: Path, commit: Callable[[], None]) -> None:
        """Bring a copy up to date and use it in place of the current directory.

        `commit` persists the change of directory. It runs when the copy is completely on disk and before the
        old shard is released, so after a crash at any moment the catalog names one complete directory.
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
        for path, kind in self.indexes.by_path.copy().items():
            if path not in fresh.indexes.by_path:
                fresh._index(path, kind)
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

    def _index(self, path: str, kind: str) -> None:
        operation = q.UpdateOperation.create_field_index(path, _SCHEMA[kind])
        self._call(lambda shard: shard.update(operation))
        self.indexes.by_path[path] = kind

    def _call(self, action: Callable[[q.EdgeShard], T]) -> T:
        with self._lock, engine_errors():
            if self._shard is None:
                raise StoreUnavailable("The embedded store is closed.")
            return action(self._shard)


@contextmanager
def engine_errors() -> Iterator[None]:
    """Translate the engine's errors: invalid input becomes `StoreRejected`, everything else `StoreUnavailable`."""
    try:
        yield
    except (StoreUnavailable, StoreRejected):
        raise
    except (ValueError, TypeError) as error:
        raise StoreRejected(f"The embedded store refuses this: {error}") from error
    except Exception as error:
        raise StoreUnavailable(f"The embedded store failed: {error}") from error


def _field_indexes(shard: q.EdgeShard) -> FieldIndexes:
    """Return the indexes of catalog fields from the shard's schema."""
    schema = shard.info().payload_schema.items()
    return FieldIndexes.of_schema(
        (path, _KINDS[info.data_type]) for path, info in schema if info.data_type in _KINDS
    )
