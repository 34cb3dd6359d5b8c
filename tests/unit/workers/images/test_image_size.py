"""Sizes read from headers, compared with those that Pillow reads."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workers.images.image_size import picture_size

FORMATS: dict[str, list[dict[str, Any]]] = {
    "JPEG": [{}, {"progressive": True}, {"comment": b"a" * 500}],
    "PNG": [{}],
    "WEBP": [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0II*\0\0\0\0\0"}],
    "GIF": [{}],
    "BMP": [{}],
    "AVIF": [{}],
}
KINDS = [(kind, options) for kind, choices in FORMATS.items() for options in choices]


def encoded(size: tuple[int, int], kind: str, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("size", [(24, 16), (300, 7), (1_025, 513)])
def test_every_format_tells_its_size(
    kind: str, options: dict[str, Any], size: tuple[int, int]
) -> None:
    assert picture_size(encoded(size, kind, options)) == size


def test_a_bmp_of_downward_rows_and_one_of_the_oldest_kind_tell_theirs() -> None:
    data = encoded((24, 16), "BMP", {})
    assert picture_size(data[:22] + struct.pack("<i", -16) + data[26:]) == (24, 16)
    oldest = data[:14] + struct.pack("<IHHHH", 12, 24, 16, 1, 24)
    assert picture_size(oldest) == (24, 16)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00\x00", b"II*\x00" + bytes(40)]
)
def test_what_declares_no_size_has_none(data: bytes) -> None:
    assert picture_size(data) is None


@pytest.mark.parametrize(("kind", "options"), KINDS)
@given(kept=st.floats(0, 1), place=st.floats(0, 1), value=st.integers(0, 255))
def test_damage_never_raises(
    kind: str, options: dict[str, Any], kept: float, place: float, value: int
) -> None:
    data = bytearray(encoded((24, 16), kind, options))
    data[int(place * (len(data) - 1))] = value
    size = picture_size(bytes(data[: int(len(data) * kept)]))
    assert size is None or min(size) >= 0


def test_pictures_that_decode_have_the_size_that_pillow_reads(shared_data: Path) -> None:
    paths = [*(shared_data / "images").rglob("*.jpg"), *(shared_data / "variants").rglob("*.*")]
    seen = 0
    for path in paths:
        if path.suffix in {".jpg", ".png", ".webp", ".gif", ".bmp", ".avif"}:
            with Image.open(path) as image:
                assert picture_size(path.read_bytes()) == image.size, path.name
            seen += 1
    assert seen > 400
