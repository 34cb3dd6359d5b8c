"""Transforms of decoded pixels: crop, longest side, grayscale, EXIF orientation.

A picture is a Pillow image or an array uint8 [height, width, 3], depending on its decoder. Only `downscaled` may return
another kind than it was given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from workers.image import Picture, as_image, width_and_height

_SWAPPED = frozenset({5, 6, 7, 8})
_ROWS_REVERSED = frozenset({3, 4, 6, 7})
_COLUMNS_REVERSED = frozenset({2, 3, 7, 8})
_ROWS_TRANSPOSED = 128
"""Rows transposed at a time: transposing a large picture as a whole would miss the cache at every pixel."""

_PIXEL = np.dtype("V3")


def swaps_sides(orientation: int) -> bool:
    """Return whether this orientation swaps width and height."""
    return orientation in _SWAPPED


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an orientation (CIPA DC-008, tag 0x0112) to uint8 [h, w, 3]; 1 and unknown values change nothing.

    A changed picture is contiguous.
    """
    if orientation not in range(2, 9):
        return pixels
    stored = pixels.view(_PIXEL)[..., 0]  # a pixel becomes one item, which numpy moves as a whole
    rows = -1 if orientation in _ROWS_REVERSED else 1
    columns = -1 if orientation in _COLUMNS_REVERSED else 1
    turned = stored[::rows, ::columns]
    placed = _transposed(turned) if swaps_sides(orientation) else np.ascontiguousarray(turned)
    return placed.view(np.uint8).reshape(*placed.shape, 3)


def _transposed(stored: NDArray[np.void]) -> NDArray[np.void]:
    height, width = stored.shape
    turned = np.empty((width, height), _PIXEL)
    for start in range(0, height, _ROWS_TRANSPOSED):
        turned[:, start : start + _ROWS_TRANSPOSED] = stored[start : start + _ROWS_TRANSPOSED].T
    return turned


def crop(picture: Picture, part: Sequence[float]) -> Picture:
    """Crop to `(left, top, width, height)`, given as fractions of the upright picture's sides; at least one pixel."""
    left, top, width, height = part
    full_width, full_height = width_and_height(picture)
    first_column, end_column = _span(left, width, full_width)
    first_row, end_row = _span(top, height, full_height)
    if isinstance(picture, Image.Image):
        return picture.crop((first_column, first_row, end_column, end_row))
    return np.ascontiguousarray(picture[first_row:end_row, first_column:end_column])


def _span(start: float, length: float, pixels: int) -> tuple[int, int]:
    """Return the first pixel of a fraction and the one after its last."""
    first = min(round(start * pixels), pixels - 1)
    return first, max(first + 1, min(round((start + length) * pixels), pixels))


def downscaled(picture: Picture, longest: int) -> Picture:
    """Scale the picture down to a longest side of `longest` pixels, with proportions exact to half a pixel.

    Services that fetch pictures for a model often do so to save memory. It saves none here; it exists to reproduce the
    vectors of such a service. The filter is Lanczos: none of the others tried (box, bilinear, Hamming, bicubic) changed
    fewer of the values that a model then sees, 2 to 8 of a hundred by one level.
    """
    width, height = width_and_height(picture)
    if max(width, height) <= longest:
        return picture
    factor = longest / max(width, height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return as_image(picture).resize(size, Resampling.LANCZOS)


GREY_POLICY = "grey-1"
"""Version of the grey conversion that follows the colour image policy; increase it with any change."""
_RED, _GREEN, _BLUE, _HALF, _BITS = 19_595, 38_470, 7_471, 0x8000, 16
"""0.299, 0.587 and 0.114 times 2^16, and the rounding term: as in Pillow's conversion to `L`."""
_ROWS = 64
"""Rows converted to grey at a time, so that their 32-bit numbers stay in the processor's cache."""


def to_grayscale(picture: Picture) -> Picture:
    """Set all channels to the picture's luma; a writable array is changed in place.

    For models and services that consider only shapes. The luma is that of ITU-R BT.601 in Pillow's fixed-point
    arithmetic, so grey pictures equal `Image.convert("L")` to the last bit, whichever decoder they came from.
    """
    if isinstance(picture, Image.Image):
        return picture.convert("L").convert("RGB")
    pixels = picture if picture.flags.writeable else picture.copy()
    for start in range(0, len(pixels), _ROWS):
        rows = pixels[start : start + _ROWS]
        rows[...] = _luma(rows)[..., None]
    return pixels


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute the luma: [h, w, 3] to [h, w]."""
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    weighted = red * np.uint32(_RED) + green * np.uint32(_GREEN) + blue * np.uint32(_BLUE)
    luma: NDArray[np.uint32] = (weighted + np.uint32(_HALF)) >> np.uint32(_BITS)
    return luma.astype(np.uint8)
