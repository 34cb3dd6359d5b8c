"""The vector store gateway: the one room that imports a Qdrant package."""

from vitrine.vectors.base import (
    CollectionInfo,
    Hit,
    IndexState,
    ItemHits,
    PointBatch,
    Provenance,
    Space,
    StoredPoint,
    VectorStore,
)

__all__ = [
    "CollectionInfo",
    "Hit",
    "IndexState",
    "ItemHits",
    "PointBatch",
    "Provenance",
    "Space",
    "StoredPoint",
    "VectorStore",
]
