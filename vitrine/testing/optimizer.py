"""What a Qdrant server says of a collection's vector index, for the stand-in that has none.

A collection is one segment. Above the threshold it is told as being built (`yellow`) at one look, and as
built (`green`) from the next one on; at threshold 0 nothing is built, and that is green too.
"""

from __future__ import annotations

from qdrant_client import models

DEFAULT_THRESHOLD = 10_000  #: Kilobytes, as a server has it.


class FakeOptimizer:
    """One collection's books."""

    def __init__(self) -> None:
        self.threshold = DEFAULT_THRESHOLD
        self._indexed = 0

    def change(self, wanted: models.OptimizersConfigDiff | None) -> None:
        """Take another threshold, where one is given."""
        if wanted is not None and wanted.indexing_threshold is not None:
            self.threshold = wanted.indexing_threshold

    def tell(self, info: models.CollectionInfo) -> None:
        """Write the books into a collection's description, then go on building."""
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
