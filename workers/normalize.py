"""Scales a model's vectors to unit length and marks unusable ones; the one place where all models' vectors are normalised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def l2_normalise(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scale each row of float32 [n, d] to length 1 (within 1e-6).

    Returns the unit rows, float32 [n, d], and a mask of the usable rows, bool [n]. A zero or non-finite row is
    unusable and is returned as zeros: it has no direction, and it must not reach the store.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    finite: NDArray[np.bool_] = np.all(np.isfinite(wide), axis=1)
    # In float64, the square of any finite float32 is finite, and the square of the smallest is not 0.
    norms = np.linalg.norm(np.where(finite[:, None], wide, 0.0), axis=1)
    usable = finite & (norms > 0.0)
    units = np.zeros(wide.shape, dtype=np.float32)
    units[usable] = wide[usable] / norms[usable, None]
    return units, usable
