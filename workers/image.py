"""A decoded picture as decoders pass it to models: upright RGB, as a Pillow image or an array.

The fast path works on arrays (libjpeg-turbo writes them, torch scales them), the reference path on Pillow
images. Both accept either form, so every decoder works with every model.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture: TypeAlias = Image.Image | NDArray[np.uint8]
"""Mode RGB, or uint8 [height, width, 3], contiguous."""


def as_image(picture: Picture) -> Image.Image:
    """Return the picture as a Pillow image; copies an array."""
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


def as_pixels(picture: Picture) -> NDArray[np.uint8]:
    """Return the picture as uint8 [height, width, 3]; copies a Pillow image, which pads each pixel to four bytes."""
    return np.asarray(picture) if isinstance(picture, Image.Image) else picture


def width_and_height(picture: Picture) -> tuple[int, int]:
    """Return the picture's size in pixels as (width, height)."""
    if isinstance(picture, Image.Image):
        return picture.size
    height, width, _ = picture.shape
    return width, height
