"""Estimates the cost of decoding and scaling a picture from its header: pixels, a measure of time, and memory."""

from __future__ import annotations

from typing import NamedTuple

from workers.images.image_size import picture_size
from workers.images.sniff import accepted_format

FAST_JPEG = 4
"""Peak bytes per pixel: the array that libjpeg-turbo fills, which is scaled directly (measured: 3.1)."""
BY_PILLOW = 13
"""Pillow's four bytes per pixel, those of the original mode, and the array made from it (PNG with alpha, GIF: 13; reference
processors, which convert rows to floats: 10)."""
WEBP = 21
"""As for Pillow, plus the canvas and the frame that the WebP decoder keeps."""


class DecodeCost(NamedTuple):
    """The pixels of a picture and its peak memory in bytes."""

    pixels: int
    nbytes: int


def decode_cost(data: bytes, *, fast: bool, max_pixels: int) -> DecodeCost:
    """Return the cost of decoding one picture; `fast` says whether JPEGs bypass Pillow.

    Data that is not a picture or declares too many pixels costs nothing, because it is refused before it takes memory. A
    picture that does not declare its size counts with the maximum.
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
