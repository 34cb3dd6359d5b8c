"""Vectors as a model gives them become unit vectors, or are named as unusable; once, for all models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def l2_normalise(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scale each row of float32 [n, d] to length 1 (within 1e-6).

    Returns the unit rows, float32 [n, d], and which rows are usable, bool [n]. A zero or non-finite
    row is not usable and comes back as zeros: its direction means nothing and the store must not get it.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    finite: NDArray[np.bool_] = np.all(np.isfinite(wide), axis=1)
    # In float64 the square of any finite float32 is finite, and that of the smallest is not 0.
    norms = np.linalg.norm(np.where(finite[:, None], wide, 0.0), axis=1)
    usable = finite & (norms > 0.0)
    units = np.zeros(wide.shape, dtype=np.float32)
    units[usable] = wide[usable] / norms[usable, None]
    return units, usable
