"""Reads a picture's declared size from its first bytes, without decoding it.

It reads fixed offsets and, for JPEG, the segments before the pixels. The size only separates heavy pictures from light
ones before decoding; the decoder decides what it decodes or refuses.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from workers.images import sniff
from workers.images.jpeg_header import FRAMES, segments

Size = tuple[int, int]
"""Width and height in pixels as stored, before the rotation given by the picture's orientation tag."""


def picture_size(data: bytes) -> Size | None:
    """Return the width and height that a JPEG, PNG, WebP, GIF, BMP or AVIF declares; None if it declares none."""
    reader = _READERS.get(sniff.accepted_format(data) or "")
    try:
        return reader(data) if reader else None
    except (struct.error, IndexError):
        return None


def _jpeg(data: bytes) -> Size | None:
    for marker, start, _ in segments(data):
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", data, start + 1)
            return width, height
    return None


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> Size:
    """Read a BMP's size: a negative height means that rows run downwards; a 12-byte header has short fields."""
    if struct.unpack_from("<I", data, 14) == (12,):
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> Size | None:
    """Read the size from the three kinds of first chunk (RFC 9649): lossy, lossless and extended."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        low, middle, high = struct.unpack_from("<HHH", data, 24)
        return (low | (middle & 0xFF) << 16) + 1, (middle >> 8 | high << 8) + 1
    return None


_READERS: dict[str, Callable[[bytes], Size | None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
    "AVIF": sniff.avif_size,
}
