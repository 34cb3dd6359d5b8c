"""JPEGs by libjpeg-turbo alone: pixels as an array, equal to those of the reference decoder, at less cost.

Pillow decodes JPEGs by the same library, with the same transform and upsampling, into four bytes a pixel and in
pieces between which it holds the GIL. What is unusual is left to it: CMYK, what the library complains about, and
metadata, which it reads without touching the pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from workers.images.jpeg_header import is_plain
from workers.images.pillow_decode import DECODER_ERRORS, check_size, orientation_of
from workers.images.transforms import swaps_sides, upright

ScaledSize: TypeAlias = Callable[[int, int], tuple[int, int] | None]
"""From a picture's width and height to those to which a model scales it; see `ScalesPictures`."""

SIGNATURE = b"\xff\xd8\xff"
ENOUGH = 3
"""A JPEG may be decoded smaller while each side stays at least this many times what the model scales it to. Of real
product pictures through MobileNetV2 the worst came to a cosine of 0.9992 at three, and to 0.988 at two."""
_SPACES = frozenset({"YCbCr", "RGB", "Gray"})
_SHRINKS = (8, 4, 2)
"""The transforms of 1, 2 and 4 points, which are fast; those between cost more than they save."""


def decode_jpeg(
    data: bytes, *, max_pixels: int, scaled_size: ScaledSize | None = None
) -> NDArray[np.uint8] | None:
    """Decode one JPEG to upright uint8 [h, w, 3]; None for one that has to be left to the reference.

    With `scaled_size` it may come out smaller, by the transform's own scaling. Width times height is checked before
    the pixels are decoded: raises `ItemFailure` with TOO_MANY_PIXELS.
    """
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        orientation = 1 if is_plain(data) else _read_orientation(data, (width, height))
        if space not in _SPACES or orientation is None:
            return None
        check_size((width, height), max_pixels)
        least = _least_size(width, height, orientation, scaled_size)
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=least[0], min_height=least[1])
    except (ValueError, MemoryError):
        return None  # the reference tries it too, and names what is wrong
    return upright(pixels, orientation)


def _read_orientation(data: bytes, size: tuple[int, int]) -> int | None:
    """The orientation as Pillow reads it; None where Pillow does not open the file, or not at this size."""
    try:
        image = Image.open(io.BytesIO(data), formats=["JPEG"])
    except DECODER_ERRORS:
        return None
    return orientation_of(image) if image.size == size else None


def _least_size(
    width: int, height: int, orientation: int, scaled_size: ScaledSize | None
) -> tuple[int, int]:
    """The stored width and height below which decoding must not shrink."""
    if scaled_size is None:
        return width, height
    swapped = swaps_sides(orientation)
    target = scaled_size(height, width) if swapped else scaled_size(width, height)
    if target is None:
        return width, height
    needed = (target[1], target[0]) if swapped else target
    for shrink in _SHRINKS:
        # The library rounds up.
        smaller = -(-width // shrink), -(-height // shrink)
        if smaller[0] >= ENOUGH * needed[0] and smaller[1] >= ENOUGH * needed[1]:
            return smaller
    return width, height
