"""Reads the segments before a JPEG's pixels, and checks whether they hold anything that Pillow must read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

START_OF_SCAN = 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers SOF0 to SOF15 (ITU-T T.81, table B.1); the three left out define tables."""
_PLAIN_FRAMES = {0xC0, 0xC1, 0xC2}
_TABLES = {0xC4, 0xDB, 0xDD, 0xFE, START_OF_SCAN}
"""Huffman and quantisation tables, restart interval, comment, the scan's header."""
_JFIF, _ICC, _ADOBE = 0xE0, 0xE2, 0xEE
_LEAST = {_JFIF: (b"JFIF\x00", 7), _ICC: (b"ICC_PROFILE\x00", 14), _ADOBE: (b"Adobe", 7)}
"""Application segments that change no pixel of an RGB picture: how they begin, and how many bytes Pillow reads."""


class Segment(NamedTuple):
    """One marker segment; `end` may lie past the end of the data."""

    marker: int  #: The low byte of the marker.
    start: int  #: The first byte after the length.
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield each segment up to and including the first scan's header; stop early if no marker follows (T.81, B.1.1.4)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and 0xC0 <= data[at + 1] < 0xFF:
        marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if length < 2:
            return
        yield Segment(marker, at + 4, at + 2 + length)
        if marker == START_OF_SCAN:
            return
        at += 2 + length


def is_plain(data: bytes) -> bool:
    """Return whether Pillow would certainly open this JPEG as 8-bit grey or RGB and find no orientation in it.

    False only means that Pillow must check: there is EXIF, XMP, a second picture, or something rare.
    """
    marker = None
    for marker, start, end in segments(data):
        if end > len(data) or not _segment_is_plain(data, marker, start, end):
            return False
    return marker == START_OF_SCAN


def _segment_is_plain(data: bytes, marker: int, start: int, end: int) -> bool:
    if marker in _TABLES:
        return True
    if marker in _PLAIN_FRAMES:
        return end - start >= 6 and data[start] == 8 and data[start + 5] in {1, 3}
    prefix, least = _LEAST.get(marker, (b"", 0))
    return bool(prefix) and data.startswith(prefix, start) and end - start >= least
