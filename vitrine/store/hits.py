"""Convert payloads returned by an engine into `Hit` and `StoredPoint`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vitrine.store.base import (
    FIELDS_FIELD,
    INDEX_FIELD,
    ITEM_FIELD,
    PROVENANCE_FIELD,
    URL_FIELD,
    Hit,
    StoredPoint,
)

_KEYS = (ITEM_FIELD, INDEX_FIELD, URL_FIELD, FIELDS_FIELD, PROVENANCE_FIELD)


def read_hit(point_id: object, score: float, payload: Mapping[str, Any]) -> Hit:
    """Return a hit. The score is clipped to [-1, 1], because rounding can exceed that by 1e-7."""
    return Hit(
        id=str(point_id),
        score=min(1.0, max(-1.0, float(score))),
        item_id=payload[ITEM_FIELD],
        index=payload[INDEX_FIELD],
        url=payload[URL_FIELD],
        fields=payload[FIELDS_FIELD],
        provenance=payload[PROVENANCE_FIELD],
    )


def read_point(
    point_id: object, payload: Mapping[str, Any], vector: ArrayLike | None
) -> StoredPoint:
    """Return a stored point without the engine's internal payload keys. A missing vector becomes float32 [0]."""
    return StoredPoint(
        id=str(point_id),
        payload={key: payload[key] for key in _KEYS},
        vector=np.asarray([] if vector is None else vector, dtype=np.float32),
    )
