"""A simulated state of a Qdrant collection's vector index, for the stand-in server that has none.

A collection is one segment. Above the threshold, one request reports it as being built (`yellow`) and the next as
built (`green`). With threshold 0 nothing is built, which is green too.
"""

from __future__ import annotations

from qdrant_client import models

DEFAULT_THRESHOLD = 10_000  #: Kilobytes, a server's default.


class FakeOptimizer:
    """The index state of one collection."""

    def __init__(self) -> None:
        self.threshold = DEFAULT_THRESHOLD
        self._indexed = 0

    def change(self, wanted: models.OptimizersConfigDiff | None) -> None:
        """Set the threshold, if one is given."""
        if wanted is not None and wanted.indexing_threshold is not None:
            self.threshold = wanted.indexing_threshold

    def tell(self, info: models.CollectionInfo) -> None:
        """Write the state into a collection's description, then advance the build."""
        points = info.points_count or 0
        info.config.optimizer_config.indexing_threshold = self.threshold
        info.indexed_vectors_count = self._indexed
        info.segments_count = 1
        info.status = models.CollectionStatus.GREEN
        if self.threshold and _kilobytes(info, points - self._indexed) > self.threshold:
            info.status = models.CollectionStatus.YELLOW
            self._indexed = points


def _kilobytes(info: models.CollectionInfo, points: int) -> float:
    vectors = info.config.params.vectors
    return points * vectors.size * 4 / 1024 if isinstance(vectors, models.VectorParams) else 0
