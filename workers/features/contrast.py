"""Contrast: the one plane in which the subject's pattern shows most.

Yellow on cream hardly differs in lightness, red on green not at all. The plane is the projection of the Oklab
planes on the direction in which the subject's colours vary most (its first principal component), pointing to
the lighter side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.features.smoothing import Plane


def contrast_plane(lab: NDArray[np.float32], small: NDArray[np.float32], weight: Plane) -> Plane:
    """Project `lab` [3, side, side]; the direction is taken from `small` [3, n, n] under `weight` [n, n]."""
    share = (weight / weight.sum()).reshape(-1)
    colours = small.reshape(3, -1)
    mean = colours @ share
    apart = colours - mean[:, None]
    covariance = ((apart * share) @ apart.T).astype(np.float64)
    direction = np.linalg.eigh(covariance)[1][:, -1]
    lighter = direction if direction[0] >= 0 else -direction
    return np.tensordot(lighter.astype(np.float32), lab - mean[:, None, None], 1)
