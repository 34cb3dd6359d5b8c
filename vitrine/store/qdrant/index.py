"""Deferring a Qdrant collection's index during a bulk load: one setting, and a note of its previous value.

Qdrant builds HNSW for segments above `indexing_threshold`; 0 disables building. To defer, one request sets
it to 0 and records the previous value in the collection's metadata, so that any later process can detect
and undo the deferral. If an operator set 0 by hand, there is no such note, and it stays 0. Points in no
graph are compared one by one, so searches miss nothing meanwhile.
"""

from __future__ import annotations

from qdrant_client import QdrantClient, models

from vitrine.core.errors import NotFound
from vitrine.core.store_options import StoreOptions
from vitrine.store.base import IndexState
from vitrine.store.qdrant.errors import qdrant_errors

INDEX_KEY = "vitrine_index"  #: Key in the collection's metadata, next to the generation's key.
SERVER_THRESHOLD = 10_000
"""Kilobytes: the default of Qdrant 1.16 and newer if a collection sets no threshold."""
FLOAT_BYTES = 4


def defer_indexing(client: QdrantClient, collection: str, options: StoreOptions) -> None:
    """Stop the server from building, unless building is already disabled."""
    info = client.get_collection(collection)
    threshold = info.config.optimizer_config.indexing_threshold
    if deferred_threshold(info) is None and threshold != 0:
        before = SERVER_THRESHOLD if threshold is None else threshold
        _change(client, collection, 0, before, options)


def restore_indexing(client: QdrantClient, collection: str, options: StoreOptions) -> None:
    """Let the server build as before the deferral, if there was one."""
    info = client.get_collection(collection)
    before = deferred_threshold(info)
    if before is not None:
        threshold = info.config.optimizer_config.indexing_threshold
        # Not 0 any more: somebody has set another value meanwhile, so only remove the note.
        _change(client, collection, threshold or before, None, options)


def _change(
    client: QdrantClient, collection: str, threshold: int, note: int | None, options: StoreOptions
) -> None:
    """Set threshold and note together. This waits for a running optimisation; if that takes longer, it is retried later."""
    client.update_collection(
        collection,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=threshold),
        metadata={INDEX_KEY: note},
        timeout=options.store_timeout,
    )


def deferred_threshold(info: models.CollectionInfo) -> int | None:
    """Return the threshold from before the deferral, or None if the collection is not deferred."""
    note = (info.config.metadata or {}).get(INDEX_KEY)
    return note if isinstance(note, int) else None


def is_deferred(client: QdrantClient, name: str) -> bool:
    """Return whether the collection of a name is deferred; False if it has disappeared."""
    try:
        with qdrant_errors(name):
            return deferred_threshold(client.get_collection(name)) is not None
    except NotFound:
        return False


def read_index_state(info: models.CollectionInfo, dimension: int) -> IndexState:
    """Return the progress of the index as the server reports it.

    Green means that the server has nothing to optimise. Check it against the counts: if more points are in
    no graph than all segments together may hold without one, an optimisation is still pending.
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
    """Return how many points the segments may hold without a graph."""
    threshold = info.config.optimizer_config.indexing_threshold
    if threshold == 0:
        return float("inf")
    kilobytes = SERVER_THRESHOLD if threshold is None else threshold
    return info.segments_count * (kilobytes * 1024 / (dimension * FLOAT_BYTES))
