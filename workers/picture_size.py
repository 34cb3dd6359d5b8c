"""How large a picture says it is, from its first bytes, without decoding it.

A look at fixed offsets and, for JPEG, a walk over the segments before the pixels. It tells heavy pictures from
light ones ahead of decoding; what is decoded, and what is refused, the decoder decides.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from workers import sniff

Size = tuple[int, int]
"""Width and height in pixels, as stored: before any turn that the picture's orientation tag asks for."""

START_OF_SCAN = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers SOF0 to SOF15 (ITU-T T.81, table B.1); the three left out define tables."""


def picture_size(data: bytes) -> Size | None:
    """Width and height that a JPEG, PNG, WebP, GIF, BMP or AVIF declares; None where it declares none."""
    reader = _READERS.get(sniff.accepted_format(data) or "")
    try:
        return reader(data) if reader else None
    except (struct.error, IndexError):
        return None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each segment's marker (its low byte), first offset and end, up to and with the start of the pixels.

    Stops early where the bytes are not marker after marker (ITU-T T.81, B.1.1.4). The ends may lie past the data's.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and 0xC0 <= data[at + 1] < 0xFF:
        marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if length < 2:
            return
        yield marker, at + 4, at + 2 + length
        if marker == START_OF_SCAN:
            return
        at += 2 + length


def _jpeg(data: bytes) -> Size | None:
    for marker, start, _ in jpeg_segments(data):
        if marker in _FRAMES:
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
    """A height below zero means that the rows run downwards; a header of 12 bytes has short fields."""
    if struct.unpack_from("<I", data, 14) == (12,):
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> Size | None:
    """The three kinds of first chunk (RFC 9649): lossy, lossless and extended."""
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
