"""A part of a picture: what somebody framed, to be searched by without what stands around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from workers.image import Picture, width_and_height


def crop(picture: Picture, part: Sequence[float]) -> Picture:
    """The part `(left, top, width, height)`, in shares of the upright picture's sides; at least a pixel."""
    left, top, width, height = part
    full_width, full_height = width_and_height(picture)
    first_column, end_column = _span(left, width, full_width)
    first_row, end_row = _span(top, height, full_height)
    if isinstance(picture, Image.Image):
        return picture.crop((first_column, first_row, end_column, end_row))
    return np.ascontiguousarray(picture[first_row:end_row, first_column:end_column])


def _span(start: float, length: float, pixels: int) -> tuple[int, int]:
    """The first pixel of a share and the one behind its last."""
    first = min(round(start * pixels), pixels - 1)
    return first, max(first + 1, min(round((start + length) * pixels), pixels))
