"""The canary: one small fixed picture, drawn byte by byte, so that the API needs no imaging library.

PNG as of its specification: signature, then chunks of length, type, data and CRC-32 over type and data.
"""

from __future__ import annotations

import struct
import zlib

SIDE = 96
"""Pixels; large enough that no model's resize turns the stripes into one colour."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB8 = (8, 2, 0, 0, 0)  # bit depth, colour type, compression, filter, interlace


def canary_picture() -> bytes:
    """A PNG of SIDE x SIDE pixels: a gradient in two colours with diagonal stripes in the third."""
    rows = b"".join(b"\x00" + _row(y) for y in range(SIDE))
    header = struct.pack(">II5B", SIDE, SIDE, *_RGB8)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _row(y: int) -> bytes:
    step = 255 // (SIDE - 1)
    return bytes(
        value for x in range(SIDE) for value in (x * step, y * step, 255 * ((x + y) // 8 % 2))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
