"""Colour: soft histograms over lightness, chroma and hue, of the whole picture and of its three rows.

Each pixel is split between the two nearest nodes of each axis (trilinear), so that a small change of light
moves a little weight instead of jumping to another bin. Hue is meaningless without chroma, so at chroma zero all hues
share one bin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LIGHTNESS = 4
HUES = 12
CHROMAS = 3
CHROMA_STEP = np.float32(0.085)
"""Oklab chroma between nodes (0, 0.085, 0.17): neutral, muted, vivid; sRGB's red is at 0.26."""
ROWS = 3

BINS = LIGHTNESS * (1 + (CHROMAS - 1) * HUES)

_Node = tuple[NDArray[np.int64], NDArray[np.float32]]


def _bin_table() -> NDArray[np.int64]:
    """Map [LIGHTNESS, CHROMAS, HUES] to bins; the hues of chroma 0 share one bin."""
    table = np.zeros((LIGHTNESS, CHROMAS, HUES), np.int64)
    for level in range(LIGHTNESS):
        start = level * (BINS // LIGHTNESS)
        table[level, 0] = start
        table[level, 1:] = start + 1 + np.arange((CHROMAS - 1) * HUES).reshape(CHROMAS - 1, HUES)
    return table


_TABLE = _bin_table().reshape(-1)


def colour_histogram(
    lab: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the histograms of the whole picture [BINS] and of its rows [ROWS, BINS], as shares of the total weight.

    lab is Oklab [3, side, side]; weight, [side, side], sums to 1.
    """
    lightness, a, b = lab.reshape(3, -1)
    hue = np.arctan2(b, a) * np.float32(HUES / (2 * np.pi))
    chroma = np.asarray(np.hypot(a, b) / CHROMA_STEP, np.float32)
    axes = (
        _nodes(lightness * np.float32(LIGHTNESS - 1), LIGHTNESS),
        _nodes(chroma, CHROMAS),
        _circular(hue),
    )
    rows = _row_of(weight.shape[0])
    flat = weight.reshape(-1)
    histogram = np.zeros(ROWS * BINS, np.float64)
    for corner in range(8):
        (level, x), (vivid, y), (tone, z) = (
            axis[(corner >> place) & 1] for place, axis in enumerate(axes)
        )
        index = _TABLE[(level * CHROMAS + vivid) * HUES + tone] + rows
        histogram += np.bincount(index, flat * x * y * z, ROWS * BINS)
    parts = histogram.astype(np.float32).reshape(ROWS, BINS)
    return parts.sum(axis=0), parts


def _nodes(position: NDArray[np.float32], count: int) -> tuple[_Node, _Node]:
    """Return the two nodes around each position, with their shares."""
    position = np.clip(position, 0.0, count - 1.001)
    low = position.astype(np.int64)
    share = (position - low).astype(np.float32)
    return (low, 1.0 - share), (low + 1, share)


def _circular(position: NDArray[np.float32]) -> tuple[_Node, _Node]:
    """Return the same as `_nodes`, but on the circle of hues."""
    floor = np.floor(position)
    share = (position - floor).astype(np.float32)
    low = floor.astype(np.int64) % HUES
    return (low, 1.0 - share), ((low + 1) % HUES, share)


def _row_of(side: int) -> NDArray[np.int64]:
    """Return the offset of each pixel's row histogram."""
    row = np.arange(side) * ROWS // side
    return np.repeat(row * BINS, side)
