"""Contrast: the single plane in which the subject's pattern is most visible.

Yellow on cream hardly differs in lightness, red on green not at all. The plane is the projection of the Oklab
planes onto the direction in which the subject's colours vary most (its first principal component), pointing
towards the lighter side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.models.builtin.smoothing import Plane


def contrast_plane(lab: NDArray[np.float32], small: NDArray[np.float32], weight: Plane) -> Plane:
    """Project `lab` [3, side, side]; the direction is computed from `small` [3, n, n] weighted by `weight` [n, n]."""
    share = (weight / weight.sum()).reshape(-1)
    colours = small.reshape(3, -1)
    mean = (colours * share).sum(axis=1)
    apart = colours - mean[:, None]
    covariance = ((apart * share) @ apart.T).astype(np.float64)
    direction = np.linalg.eigh(covariance)[1][:, -1].astype(np.float32)
    x, y, z = direction if direction[0] >= 0 else -direction
    lightness, a, b = lab
    centre = x * mean[0] + y * mean[1] + z * mean[2]
    return np.asarray(x * lightness + y * a + z * b - centre, np.float32)
