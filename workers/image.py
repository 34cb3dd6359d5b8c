"""A decoded picture, as the decoders hand it to a model: upright RGB, as Pillow holds it or as an array.

The fast path works on arrays (libjpeg-turbo writes them, torch scales them), the reference path on Pillow's
images. Each takes either, so that every decoder goes with every model.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture: TypeAlias = Image.Image | NDArray[np.uint8]
"""Mode RGB, or uint8 [height, width, 3], contiguous."""


def as_image(picture: Picture) -> Image.Image:
    """The picture as Pillow holds it; copies an array."""
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


def as_pixels(picture: Picture) -> NDArray[np.uint8]:
    """The picture as uint8 [height, width, 3]; copies Pillow's, which pads each pixel to four bytes."""
    return np.asarray(picture) if isinstance(picture, Image.Image) else picture


def width_and_height(picture: Picture) -> tuple[int, int]:
    """Its size in pixels, the width first."""
    if isinstance(picture, Image.Image):
        return picture.size
    height, width, _ = picture.shape
    return width, height
