"""A Qdrant collection's index while a bulk load is on, and after it: one setting, and a note of what it was.

Qdrant builds HNSW for segments above `indexing_threshold`; 0 keeps it from building any. A deferral is one
request that sets it to 0 and writes the value before into the collection's metadata, so that whoever comes
later, in whatever process, can tell and restore it. Where an operator set 0 by hand there is no such note,
and it stays. Points in no graph are compared one by one: nothing is missing from a search meanwhile.
"""

from __future__ import annotations

from qdrant_client import QdrantClient, models

from vitrine.core.store_options import StoreOptions
from vitrine.store.base import IndexState

INDEX_KEY = "vitrine_index"  #: In the collection's metadata, beside the generation's own key.
SERVER_THRESHOLD = 10_000
"""Kilobytes: what Qdrant 1.16 and newer take where a collection names no threshold."""
FLOAT_BYTES = 4


def defer_indexing(client: QdrantClient, collection: str, options: StoreOptions) -> None:
    """Keep the server from building, unless it is kept from it already."""
    info = client.get_collection(collection)
    threshold = info.config.optimizer_config.indexing_threshold
    if deferred_threshold(info) is None and threshold != 0:
        before = SERVER_THRESHOLD if threshold is None else threshold
        _change(client, collection, 0, before, options)


def restore_indexing(client: QdrantClient, collection: str, options: StoreOptions) -> None:
    """Let the server build as it did before the deferral, if there was one."""
    info = client.get_collection(collection)
    before = deferred_threshold(info)
    if before is not None:
        threshold = info.config.optimizer_config.indexing_threshold
        # Not 0 any more: somebody chose another value meanwhile, and only the note is left to remove.
        _change(client, collection, threshold or before, None, options)


def _change(
    client: QdrantClient, collection: str, threshold: int, note: int | None, options: StoreOptions
) -> None:
    """Set threshold and note at once; it waits for the optimisation that runs, and what takes longer is tried again later."""
    client.update_collection(
        collection,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=threshold),
        metadata={INDEX_KEY: note},
        timeout=options.store_timeout,
    )


def deferred_threshold(info: models.CollectionInfo) -> int | None:
    """The threshold before the deferral; None where the collection is not deferred."""
    note = (info.config.metadata or {}).get(INDEX_KEY)
    return note if isinstance(note, int) else None


def read_index_state(info: models.CollectionInfo, dimension: int) -> IndexState:
    """How far the index is, by the server's own account.

    Green is the server's word for nothing to optimise. It is held against the counts: where more points
    are in no graph than all segments together may hold without one, an optimisation is still to come.
    """
    points = info.points_count or 0
    indexed = min(points, info.indexed_vectors_count or 0)
    deferred = deferred_threshold(info) is not None
    done = (
        info.status == models.CollectionStatus.GREEN
        and points - indexed <= _max_unindexed_points(info, dimension)
    )
    return IndexState(points, indexed, deferred, done and not deferred)


def _max_unindexed_points(info: models.CollectionInfo, dimension: int) -> float:
    """Points that the segments may hold without a graph."""
    threshold = info.config.optimizer_config.indexing_threshold
    if threshold == 0:
        return float("inf")
    kilobytes = SERVER_THRESHOLD if threshold is None else threshold
    return info.segments_count * (kilobytes * 1024 / (dimension * FLOAT_BYTES))
