"""Converts 8-bit sRGB to Oklab, a perceptual space in which equal distances look equally different.

Constants: sRGB's transfer curve from IEC 61966-2-1; the matrices from B. Ottosson, "A perceptual color
space for image processing" (2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEVELS = np.arange(256, dtype=np.float64) / 255.0
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
_TO_LMS = np.array(
    [
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    ],
    np.float32,
)


def oklab(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB uint8 [n, 3] to Oklab float32 [3, n]: lightness in [0, 1], a and b in about [-0.4, 0.4]."""
    lms = _TO_LMS @ _LINEAR[pixels.T]
    return np.asarray(_TO_LAB @ np.cbrt(lms), np.float32)
