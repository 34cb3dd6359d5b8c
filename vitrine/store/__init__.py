"""The vector store gateway: the one room that imports a Qdrant package."""

from vitrine.store.base import (
    CollectionInfo,
    EmbeddingSpace,
    Footprint,
    Hit,
    IndexState,
    ItemHits,
    PointBatch,
    Provenance,
    StoredPoint,
    VectorStore,
)
from vitrine.store.facets import Facet, FacetBin, FacetValue

__all__ = [
    "CollectionInfo",
    "EmbeddingSpace",
    "Facet",
    "FacetBin",
    "FacetValue",
    "Footprint",
    "Hit",
    "IndexState",
    "ItemHits",
    "PointBatch",
    "Provenance",
    "StoredPoint",
    "VectorStore",
]
