"""A picture without its colours: one luma, in all three channels that a model sees.

For models and services that look at shapes alone. The luma is that of ITU-R BT.601 in Pillow's fixed-point arithmetic,
so that grey pictures are those of `Image.convert("L")` to the last bit, whichever decoder they came from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.image import Picture

GREY_POLICY = "grey-1"
"""Version of what is done here after all that the image policy in colours says; raised with any change of it."""
_RED, _GREEN, _BLUE, _HALF, _BITS = 19_595, 38_470, 7_471, 0x8000, 16
"""0.299, 0.587 and 0.114 times 2^16, and what rounds: as in Pillow's conversion to `L`."""
_ROWS = 64
"""Rows that are made grey at once: their numbers of 32 bits stay in the processor's cache."""


def to_grayscale(picture: Picture) -> Picture:
    """The picture with its luma in all channels; an array is changed in place, at no further memory."""
    if isinstance(picture, Image.Image):
        return picture.convert("L").convert("RGB")
    pixels = picture if picture.flags.writeable else picture.copy()
    for start in range(0, len(pixels), _ROWS):
        rows = pixels[start : start + _ROWS]
        rows[...] = _luma(rows)[..., None]
    return pixels


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[h, w, 3] to [h, w]."""
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    weighted = red * np.uint32(_RED) + green * np.uint32(_GREEN) + blue * np.uint32(_BLUE)
    luma: NDArray[np.uint32] = (weighted + np.uint32(_HALF)) >> np.uint32(_BITS)
    return luma.astype(np.uint8)
