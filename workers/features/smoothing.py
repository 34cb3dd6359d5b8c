"""Smoothing and halving of small square planes; a blur is two products with a fixed matrix."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""float32 [side, side]."""


@lru_cache(maxsize=16)
def gaussian_smoother(side: int, sigma: float) -> NDArray[np.float32]:
    """[side, side]: row i holds the weights of the pixels around i, summing to 1 also at the rim."""
    line = np.arange(side, dtype=np.float64)
    bell = np.exp(-0.5 * ((line[:, None] - line[None, :]) / sigma) ** 2)
    matrix: Plane = np.asarray(bell / bell.sum(axis=1, keepdims=True), np.float32)
    matrix.setflags(write=False)
    return matrix


def smooth(plane: Plane, smoother: NDArray[np.float32]) -> Plane:
    """Blur a plane along both axes with the same matrix."""
    return np.asarray(smoother @ plane @ smoother.T, np.float32)


def halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2 pixels over the last two axes, which are even."""
    top = plane[..., ::2, ::2] + plane[..., ::2, 1::2]
    bottom = plane[..., 1::2, ::2] + plane[..., 1::2, 1::2]
    return np.asarray((top + bottom) * np.float32(0.25), np.float32)


def doubled(plane: Plane) -> Plane:
    """Each pixel as a square of four."""
    return np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1)
