"""Computes the processor's target size, cuts very long pictures, and scales pictures to that size.

A processor that scales by the shortest edge would enlarge a picture of 1 x 9,001 to 256 x 2,304,256 pixels (1.8 GB)
only to crop 224 x 224 out of its middle. Such pictures are cut to their middle first.

Scaling uses torch's native 8-bit kernels, which scale like Pillow (antialiased, in two passes, rounded after each) at a
quarter of Pillow's cost. Their weights have 16 bits, Pillow's 22, so a value can be off by one level, and rarely by two
if the roundings of both passes add up.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from transformers.models.siglip2.image_processing_pil_siglip2 import (
    get_image_size_for_max_num_patches,
)

from workers.image import width_and_height

MAX_ASPECT = 16
"""Ratio of longest to shortest edge above which a picture is cut; the later crop uses far less than that."""

AnyPicture = TypeVar("AnyPicture", Image.Image, NDArray[np.uint8])


def scales_by_shortest_edge(processor: Any) -> bool:
    """Return whether an image processor keeps proportions and does not limit the longest edge."""
    size = getattr(processor, "size", None)
    if not getattr(processor, "do_resize", False) or size is None:
        return False
    bounded = getattr(size, "longest_edge", None)
    return bool(getattr(size, "shortest_edge", None)) and not bounded


def is_very_long(width: int, height: int) -> bool:
    """Return whether `cut_to_middle` cuts a picture of this size."""
    short, long = sorted((width, height))
    return long > short * MAX_ASPECT


def cut_to_middle(picture: AnyPicture) -> AnyPicture:
    """Cut the longest edge to `MAX_ASPECT` times the shortest, around the same centre; for an array, return a view."""
    width, height = width_and_height(picture)
    if not is_very_long(width, height):
        return picture
    left, upper, right, lower = _middle(width, height)
    if isinstance(picture, Image.Image):
        return picture.crop((left, upper, right, lower))
    return picture[upper:lower, left:right]


def _middle(width: int, height: int) -> tuple[int, int, int, int]:
    short, long = sorted((width, height))
    # Keep the parity, or the centre would move by half a pixel.
    kept = short * MAX_ASPECT + (long - short * MAX_ASPECT) % 2
    start = (long - kept) // 2
    if width == long:
        return start, 0, start + kept, height
    return 0, start, width, start + kept


def target_size(processor: Any, width: int, height: int) -> tuple[int, int]:
    """Return the width and height to which a processor scales a picture; raises `ValueError` for an unsupported rule."""
    if not processor.do_resize:
        raise ValueError("this processor does not scale")
    patches = getattr(processor, "max_num_patches", None)
    if patches is not None:
        rows, columns = get_image_size_for_max_num_patches(
            height, width, processor.patch_size, patches
        )
        return columns, rows
    size = processor.size
    if size.height and size.width:
        return size.width, size.height
    if not scales_by_shortest_edge(processor):
        raise ValueError("this processor scales by another rule")
    short, long = sorted((width, height))
    longer = int(size.shortest_edge * long / short)
    return (size.shortest_edge, longer) if width <= height else (longer, size.shortest_edge)


Filter: TypeAlias = Literal["bilinear", "bicubic"]
FILTERS: dict[int, Filter] = {Resampling.BILINEAR: "bilinear", Resampling.BICUBIC: "bicubic"}
"""The Pillow filters that torch also has, with the same kernels (the cubic with a = -0.5)."""


def resize(pixels: NDArray[np.uint8], size: tuple[int, int], how: Filter) -> torch.Tensor:
    """Scale uint8 [h, w, 3] to a width and height; return a tensor uint8 [3, height, width].

    The input is not copied: the array is viewed as planes, which torch calls channels-last.
    """
    width, height = size
    planes = torch.from_numpy(_writable(pixels)).permute(2, 0, 1)[None]
    if _rows_first(planes.shape[3], planes.shape[2], width, height):
        planes = _interpolate(planes, (height, planes.shape[3]), how)
    return _interpolate(planes, (height, width), how)[0]


def _rows_first(width: int, height: int, to_width: int, to_height: int) -> bool:
    """Return whether Pillow 13 scales the rows first (found by trial over 5,000 sizes); torch always starts with the columns.

    The order matters, because the overshoot of a cubic filter is clipped after each pass.
    """
    return height > to_height and height - to_height > 2 * (width - to_width)


def _interpolate(planes: torch.Tensor, size: tuple[int, int], how: Filter) -> torch.Tensor:
    return torch.nn.functional.interpolate(
        planes, size=size, mode=how, antialias=True, align_corners=False
    )


def _writable(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the array, or a copy if it is read-only like Pillow's bytes: torch warns about read-only arrays."""
    return pixels if pixels.flags.writeable else pixels.copy()
