"""Decodes JPEGs with libjpeg-turbo directly: the pixels equal those of the reference decoder, at a lower cost.

Pillow decodes JPEGs with the same library, the same transform and upsampling, but into four bytes per pixel and in
pieces between which it holds the GIL. Unusual cases are left to Pillow: CMYK, files that the library rejects, and
metadata, which Pillow reads without touching the pixels.
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
"""Maps a picture's width and height to the size to which a model scales it; see `ScalesPictures`."""

SIGNATURE = b"\xff\xd8\xff"
ENOUGH = 3
"""A JPEG may be decoded smaller as long as each side is at least this many times the size that the model scales it to. For
real product pictures in MobileNetV2, the worst cosine was 0.9992 at three, and 0.988 at two."""
_SPACES = frozenset({"YCbCr", "RGB", "Gray"})
_SHRINKS = (8, 4, 2)
"""The transforms of 1, 2 and 4 points, which are fast; the others cost more than they save."""


def decode_jpeg(
    data: bytes, *, max_pixels: int, scaled_size: ScaledSize | None = None
) -> NDArray[np.uint8] | None:
    """Decode one JPEG to upright uint8 [h, w, 3]; None if it must be left to the reference decoder.

    With `scaled_size` the result may be smaller, scaled by the JPEG transform. Width times height is checked before
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
        return None  # the reference decoder also tries it, and names the error
    return upright(pixels, orientation)


def _read_orientation(data: bytes, size: tuple[int, int]) -> int | None:
    """Return the orientation that Pillow reads; None if Pillow cannot open the file or sees another size."""
    try:
        image = Image.open(io.BytesIO(data), formats=["JPEG"])
    except DECODER_ERRORS:
        return None
    return orientation_of(image) if image.size == size else None


def _least_size(
    width: int, height: int, orientation: int, scaled_size: ScaledSize | None
) -> tuple[int, int]:
    """Return the smallest width and height, as stored, to which decoding may shrink the picture."""
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
