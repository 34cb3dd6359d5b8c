"""Pixels are turned upright, as an EXIF orientation says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SWAPPED = frozenset({5, 6, 7, 8})
_ROWS_REVERSED = frozenset({3, 4, 6, 7})
_COLUMNS_REVERSED = frozenset({2, 3, 7, 8})
_BLOCK = 128
"""Rows that are written as columns at once: taken whole, a large picture misses the cache at every pixel."""

_PIXEL = np.dtype("V3")


def swaps_sides(orientation: int) -> bool:
    """Whether the upright picture's width is the stored one's height."""
    return orientation in _SWAPPED


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn uint8 [h, w, 3] by its orientation (CIPA DC-008, tag 0x0112); 1 and unknown ones leave it as it is.

    What comes out is contiguous.
    """
    if orientation not in range(2, 9):
        return pixels
    stored = pixels.view(_PIXEL)[..., 0]  # a pixel is one item, which numpy moves at once
    rows = -1 if orientation in _ROWS_REVERSED else 1
    columns = -1 if orientation in _COLUMNS_REVERSED else 1
    turned = stored[::rows, ::columns]
    placed = _transposed(turned) if swaps_sides(orientation) else np.ascontiguousarray(turned)
    return placed.view(np.uint8).reshape(*placed.shape, 3)


def _transposed(stored: NDArray[np.void]) -> NDArray[np.void]:
    height, width = stored.shape
    turned = np.empty((width, height), _PIXEL)
    for start in range(0, height, _BLOCK):
        turned[:, start : start + _BLOCK] = stored[start : start + _BLOCK].T
    return turned
