"""Very long pictures are cut to their middle before a processor that scales by the shortest edge.

Such a processor would enlarge a picture of 1 x 9,001 to 256 x 2,304,256 pixels (1.8 GB) only to crop
224 x 224 out of its middle.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.image import width_and_height

MAX_ASPECT = 16
"""Longest edge over shortest beyond which a picture is cut; the crop afterwards sees far less than that."""

AnyPicture = TypeVar("AnyPicture", Image.Image, NDArray[np.uint8])


def scales_by_shortest_edge(processor: Any) -> bool:
    """Whether an image processor keeps the proportions and lets the longest edge grow without bound."""
    size = getattr(processor, "size", None)
    if not getattr(processor, "do_resize", False) or size is None:
        return False
    bounded = getattr(size, "longest_edge", None)
    return bool(getattr(size, "shortest_edge", None)) and not bounded


def is_very_long(width: int, height: int) -> bool:
    """Whether `cut_to_middle` cuts a picture of this size."""
    short, long = sorted((width, height))
    return long > short * MAX_ASPECT


def cut_to_middle(picture: AnyPicture) -> AnyPicture:
    """Cut the longest edge to `MAX_ASPECT` times the shortest, around the same centre; arrays by a view."""
    width, height = width_and_height(picture)
    if not is_very_long(width, height):
        return picture
    left, upper, right, lower = _middle(width, height)
    if isinstance(picture, Image.Image):
        return picture.crop((left, upper, right, lower))
    return picture[upper:lower, left:right]


def _middle(width: int, height: int) -> tuple[int, int, int, int]:
    short, long = sorted((width, height))
    # The same parity as before, or the centre would move by half a pixel.
    kept = short * MAX_ASPECT + (long - short * MAX_ASPECT) % 2
    start = (long - kept) // 2
    if width == long:
        return start, 0, start + kept, height
    return 0, start, width, start + kept
