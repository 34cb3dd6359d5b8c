"""Edges: histograms of gradient orientation over a grid, which describe shape.

After N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection" (2005): unsigned
orientation, each vote of a gradient's magnitude shared between the two nearest directions; here in the
cells of one coarse grid, and relative to the whole picture's magnitude.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.models.builtin.smoothing import Plane

DIRECTIONS = 8
GRID = 4
BINS = GRID * GRID * DIRECTIONS
FAINT = np.float32(0.01)
"""Mean magnitude (lightness over two pixels) at which a picture counts as half empty."""


def gradient_grid(lightness: Plane) -> NDArray[np.float32]:
    """Map float32 [side, side] to shares [BINS], which sum to less than 1, and to little for a plain picture."""
    dy, dx = np.zeros_like(lightness), np.zeros_like(lightness)
    dx[:, 1:-1] = lightness[:, 2:] - lightness[:, :-2]
    dy[1:-1] = lightness[2:] - lightness[:-2]
    magnitude = np.hypot(dx, dy).reshape(-1)
    position = (np.arctan2(dy, dx).reshape(-1) % np.float32(np.pi)) * np.float32(DIRECTIONS / np.pi)
    low = position.astype(np.int64)
    share = position - low
    cell = _cells(len(lightness))
    votes = np.bincount(cell + low % DIRECTIONS, magnitude * (1.0 - share), BINS)
    votes += np.bincount(cell + (low + 1) % DIRECTIONS, magnitude * share, BINS)
    return np.asarray(votes / (votes.sum() + FAINT * magnitude.size), np.float32)


def _cells(side: int) -> NDArray[np.int64]:
    """Return where each pixel's bins begin."""
    line = np.arange(side) * GRID // side
    return ((line[:, None] * GRID + line[None, :]) * DIRECTIONS).reshape(-1)
