"""Finds the probable subject: pixels near the middle that differ from the picture's border.

Product pictures usually have a plain background that reaches the border (the boundary prior of saliency detection:
Wei et al., "Geodesic saliency using background priors", 2012). Neither weight nor mask falls to zero, so
that a picture without a background, or a plain one, is still described.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.models.builtin.smoothing import tent_sums

FLOOR = np.float32(0.04)
"""Weight of a pixel that looks like background, so that a picture that is all background is still described."""
GROUND_SPREAD = np.float32(0.07)
"""Oklab distance at which a pixel counts as different: about that of a soft shadow on paper."""
CENTRE = 0.28
"""Sigma of the window around the middle, as a share of the side."""
CLOSING = 2
"""Octaves of the tent (7 pixels) that closes holes in the mask: light dots on a subject belong to it."""


def foreground(lab: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute the subject's weight and mask from Oklab planes [3, side, side].

    Both are float32 [side, side]. The weight is positive and sums to 1; the mask ranges from 0.02 (background) to 1.
    """
    unlike = 1.0 - np.exp(_distance_to_rim(lab) / (-2.0 * GROUND_SPREAD**2))
    weight = _centre_window(lab.shape[1]) * (unlike + FLOOR)
    closed = tent_sums(unlike, CLOSING) * np.float32(2.0 / 2 ** (4 * CLOSING))
    return weight / weight.sum(), np.clip(closed, 0.02, 1.0)


def _distance_to_rim(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squared Oklab distance to the median colour of the closest of the four sides."""
    distance = np.full(lab.shape[1:], np.inf, np.float32)
    for strip in (lab[:, :2], lab[:, -2:], lab[:, :, :2], lab[:, :, -2:]):
        rim = np.median(strip.reshape(3, -1), axis=1)[:, None, None]
        distance = np.minimum(distance, np.square(lab - rim).sum(axis=0))
    return distance


def _centre_window(side: int) -> NDArray[np.float32]:
    line = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    bell = np.exp(-0.5 * (line / CENTRE) ** 2)
    return np.asarray(bell[:, None] * bell[None, :], np.float32)
