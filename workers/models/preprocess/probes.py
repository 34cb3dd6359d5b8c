"""Small noise pictures on which two ways of preprocessing are compared when a model is opened."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SIZES = ((97, 61), (50, 120), (300, 300), (30, 31), (20, 400))
"""Wide, tall, square, odd and long; smaller and larger than models' input sizes."""


def probes() -> Iterator[NDArray[np.uint8]]:
    """Yield pictures as uint8 [height, width, 3], the same ones each time."""
    random = np.random.default_rng(0)
    for width, height in _SIZES:
        yield random.integers(0, 256, (height, width, 3), dtype=np.uint8)
