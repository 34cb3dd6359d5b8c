"""Vector stores, and the only package that imports the Qdrant client."""

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
