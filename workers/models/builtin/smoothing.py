"""Smoothing, halving and doubling of small square planes.

It avoids large matrix products: they start the linear algebra library's own threads, which wait for each other in a
busy loop and triple the cost of a picture when all cores are in use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""float32 [side, side]."""


def tent_sums(planes: NDArray[np.float32], octaves: int) -> NDArray[np.float32]:
    """Convolve the last two axes with a tent, with zeros beyond the border: float32 [..., side, side].

    The tent is a box of width w = 2**octaves convolved with itself: 2 w - 1 pixels wide, with a standard deviation
    of sqrt((w² - 1) / 6) and weights that sum to w**4. A box is built by doubling, in `octaves` additions.
    """
    reach = 2**octaves - 1
    rim = [(0, 0)] * (planes.ndim - 2) + [(reach, reach)] * 2
    sums = np.pad(planes, rim)
    for _ in range(2):
        for octave in range(octaves):
            step = 2**octave
            sums = sums[..., step:, :] + sums[..., :-step, :]
            sums = sums[..., step:] + sums[..., :-step]
    return sums


def halved(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of 2 x 2 pixels over the last two axes, whose lengths are even."""
    top = planes[..., ::2, ::2] + planes[..., ::2, 1::2]
    bottom = planes[..., 1::2, ::2] + planes[..., 1::2, 1::2]
    return np.asarray((top + bottom) * np.float32(0.25), np.float32)


def doubled(plane: Plane) -> Plane:
    """Repeat each pixel as a square of four."""
    return np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1)
