"""The vector store gateway: the one room that imports a Qdrant package."""

from vitrine.store.base import (
    CollectionInfo,
    Footprint,
    Hit,
    IndexState,
    ItemHits,
    PointBatch,
    Provenance,
    Space,
    StoredPoint,
    VectorStore,
)
from vitrine.store.facets import Facet, FacetBin, FacetValue

__all__ = [
    "CollectionInfo",
    "Facet",
    "FacetBin",
    "FacetValue",
    "Footprint",
    "Hit",
    "IndexState",
    "ItemHits",
    "PointBatch",
    "Provenance",
    "Space",
    "StoredPoint",
    "VectorStore",
]
