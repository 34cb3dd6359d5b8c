"""Points for a collection that is only searched: random unit vectors of any dimension, two pictures per item."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import point_id
from vitrine.store.base import EmbeddingSpace, PointBatch, Provenance

BATCH = 256
LATENT = 32
"""Embeddings lie close to a plane of few dimensions. Vectors without such structure are all equally far apart."""
COLOURS = ("red", "blue", "green", "black", "white", "grey")


def drawn_points(collection: str, points: int, space: EmbeddingSpace) -> Iterator[PointBatch]:
    """Yield this many points of items `item-0`, `item-1`, …, in batches for one upsert each."""
    where = Provenance(
        "drawn", space.model, space.revision, space.policy, "00" * 32, None, "2026-01-01T00:00:00Z"
    )
    for start in range(0, points, BATCH):
        rows = range(start, min(points, start + BATCH))
        items = [f"item-{row // 2}" for row in rows]
        yield PointBatch(
            ids=[
                point_id(collection, item, row % 2) for item, row in zip(items, rows, strict=True)
            ],
            vectors=_unit(len(rows), space.dimension, seed=start),
            item_ids=items,
            indexes=[row % 2 for row in rows],
            urls=[f"https://shop.example/{row}.jpg" for row in rows],
            fields=[{"colour": COLOURS[row % 6], "price": float(row % 100)} for row in rows],
            provenance=[where] * len(rows),
        )


def _unit(rows: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Return unit vectors, float32 [rows, dimension], close to a plane of `LATENT` dimensions."""
    plane = np.random.default_rng(0).standard_normal((LATENT, dimension), dtype=np.float32)
    draw = np.random.default_rng(seed)
    raw = draw.standard_normal((rows, LATENT), dtype=np.float32) @ plane
    raw += draw.standard_normal(raw.shape, dtype=np.float32)
    normal: NDArray[np.float32] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return normal
