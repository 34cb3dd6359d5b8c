"""What decoding and scaling a picture will take, told from its first bytes: pixels, which are time, and memory."""

from __future__ import annotations

from typing import NamedTuple

from workers.images.image_size import picture_size
from workers.images.sniff import accepted_format

FAST_JPEG = 4
"""Bytes a pixel at the peak: the array that libjpeg-turbo fills, which is scaled as it is (measured: 3.1)."""
BY_PILLOW = 13
"""Pillow's four bytes a pixel, those of the mode it had before, and the array made of it (PNG with alpha, GIF: 13; reference
processors, which make floats of rows: 10)."""
WEBP = 21
"""Its decoder keeps a canvas and a frame of its own beside them."""


class DecodeCost(NamedTuple):
    """A picture's pixels, and the bytes that it takes at the peak."""

    pixels: int
    nbytes: int


def decode_cost(data: bytes, *, fast: bool, max_pixels: int) -> DecodeCost:
    """The burden of decoding one picture; `fast` is whether JPEGs go past Pillow.

    What declares too many pixels is refused before it takes any memory, and so is what is no picture. Where a picture says
    nothing of its size, it may have as many as there may be.
    """
    kind = accepted_format(data)
    if kind is None:
        return DecodeCost(0, 0)
    size = picture_size(data)
    pixels = max_pixels if size is None else size[0] * size[1]
    if pixels > max_pixels:
        return DecodeCost(0, 0)
    return DecodeCost(pixels, pixels * _bytes_a_pixel(kind, fast=fast))


def _bytes_a_pixel(kind: str, *, fast: bool) -> int:
    if kind == "JPEG" and fast:
        return FAST_JPEG
    return WEBP if kind == "WEBP" else BY_PILLOW
