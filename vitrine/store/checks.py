"""Validation of points and queries, shared by every store so that all refuse the same input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from vitrine.core.errors import BadInput, StoreRejected
from vitrine.core.filter_values import MAX_INTEGER
from vitrine.store.base import ITEM_FIELD, EmbeddingSpace, PointBatch
from vitrine.store.spaces import require_provenance

UNIT_TOLERANCE = 1e-3
"""Largest accepted difference of a vector's length from 1. float16 and bfloat16 models round to about 1e-3 and 4e-3
per component; a final normalisation in float32 reduces that to 1e-6. Anything further off was never normalised."""

MAX_TOP = 1000  #: Items per search.
MAX_SAMPLE = (
    5000  #: Vectors per sample: 46 MB at 2304 dimensions, which fits one frame of a store process.
)
MAX_PER_ITEM = 100  #: Pictures per item in one search.


def check_points(name: str, points: PointBatch, space: EmbeddingSpace) -> None:
    """Raise `ValueError` for vectors that break the contract and `SpaceMismatch` for those of another space."""
    columns = (points.item_ids, points.indexes, points.urls, points.fields, points.provenance)
    if any(len(column) != len(points.ids) for column in columns):
        raise ValueError("the columns of a PointBatch differ in length")
    check_vectors(points.vectors, len(points.ids), space.dimension)
    for provenance in points.provenance:
        require_provenance(name, space, provenance)


def check_vectors(vectors: NDArray[np.float32], rows: int, dimension: int) -> None:
    """Raise `ValueError` unless `vectors` is float32 [rows, dimension], finite and of unit length."""
    if vectors.dtype != np.float32 or vectors.shape != (rows, dimension):
        raise ValueError(
            f"vectors are {vectors.dtype} {list(vectors.shape)}, expected float32 {[rows, dimension]}"
        )
    if not np.isfinite(vectors).all():
        raise ValueError("vectors hold a value that is not finite")
    lengths = np.linalg.norm(vectors, axis=1)
    if (np.abs(lengths - 1.0) > UNIT_TOLERANCE).any():
        raise ValueError("vectors are not of unit length")


def check_query(vector: NDArray[np.float32], dimension: int, top: int, per_item: int) -> None:
    """Raise `BadInput` for counts out of bounds and `ValueError` for a vector that cannot be compared."""
    if not 1 <= top <= MAX_TOP:
        raise BadInput(f"top: expected 1 to {MAX_TOP}, not {top}.")
    if not 1 <= per_item <= MAX_PER_ITEM:
        raise BadInput(f"per_item: expected 1 to {MAX_PER_ITEM}, not {per_item}.")
    if vector.shape != (dimension,) or not np.isfinite(vector).all() or not vector.any():
        raise ValueError(f"a query is a finite, non-zero vector of {dimension} values")


def check_sample(count: int) -> None:
    """Raise `BadInput` if the count is out of bounds."""
    if not 1 <= count <= MAX_SAMPLE:
        raise BadInput(f"count: expected 1 to {MAX_SAMPLE}, not {count}.")


def checked_payloads(points: PointBatch) -> list[dict[str, Any]]:
    """Return the payloads of a batch. `StoreRejected` names an item whose payload cannot be stored."""
    made = [points.payload(row) for row in range(len(points.ids))]
    for payload in made:
        try:
            orjson.dumps(payload)
            _check_numbers(payload["fields"])
        except (TypeError, ValueError) as error:
            raise StoreRejected(
                f"The payload of item {payload[ITEM_FIELD]!r} cannot be stored: {error}."
            ) from error
    return made


def _check_numbers(fields: Mapping[str, object]) -> None:
    for name, value in fields.items():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, float) and not math.isfinite(each):
                raise ValueError(f"field {name!r} is not a finite number")
            if isinstance(each, int) and not -MAX_INTEGER <= each <= MAX_INTEGER:
                raise ValueError(f"field {name!r} is an integer of more than 64 bits")
