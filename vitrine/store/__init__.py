"""The vector stores: the one package that imports Qdrant's."""

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
