"""Which JPEGs can be decoded without asking Pillow for their metadata."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from workers.images.jpeg_header import START_OF_SCAN, is_plain, segments

EXIF = Image.Exif()
EXIF[0x0112] = 6


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (24, 16)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def with_segment(marker: int, payload: bytes) -> bytes:
    length = (len(payload) + 2).to_bytes(2, "big")
    return b"\xff\xd8\xff" + bytes([marker]) + length + payload + jpeg()[2:]


def test_segments_are_read_up_to_the_first_scan() -> None:
    found = list(segments(jpeg(comment=b"hello")))
    assert found[0].marker == 0xE0
    assert found[-1].marker == START_OF_SCAN
    comment = next(one for one in found if one.marker == 0xFE)
    assert jpeg(comment=b"hello")[comment.start : comment.end] == b"hello"


@pytest.mark.parametrize(
    "data",
    [
        jpeg(),
        jpeg("L"),
        jpeg(progressive=True),
        jpeg(comment=b"hello"),
        jpeg(icc_profile=b"p" * 70_000),
        jpeg(keep_rgb=True, subsampling=0),
        jpeg(restart_marker_blocks=1),
    ],
)
def test_a_usual_picture_is_plain(data: bytes) -> None:
    assert is_plain(data)


@pytest.mark.parametrize(
    "data",
    [
        jpeg(exif=EXIF),
        jpeg(xmp=b"<x/>"),
        jpeg("CMYK"),
        with_segment(0xE2, b"MPF\x00" + bytes(20)),
        with_segment(0xED, b"Photoshop 3.0\x008BIM" + bytes(20)),
        with_segment(0xE0, b"JFIF\x00"),
        with_segment(0xE2, b"ICC_PROFILE\x00"),
        with_segment(0xEE, b"Adobe"),
        with_segment(0xF0, b"?"),
    ],
)
def test_what_pillow_has_to_read_is_not_plain(data: bytes) -> None:
    assert not is_plain(data)


@pytest.mark.parametrize("kept", [0, 2, 3, 4, 30, 200])
def test_a_header_that_ends_early_is_not_plain(kept: int) -> None:
    assert not is_plain(jpeg()[:kept])


def test_other_bytes_between_segments_are_not_plain() -> None:
    data = jpeg()
    assert not is_plain(data[:20] + b"\x00" + data[20:])
