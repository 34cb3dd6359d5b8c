"""Modes, transparency and colour profiles, on pictures made here."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from workers.images.pillow_decode import decode_by_pillow

SRGB_COLOURANTS = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7141),
}
"""The primaries of sRGB, adapted to D50."""


def decoded(image: Image.Image, kind: str, **options: Any) -> NDArray[np.int16]:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return np.asarray(decode_by_pillow(buffer.getvalue(), max_pixels=10_000), dtype=np.int16)


def colours(pixels: NDArray[np.int16]) -> list[list[int]]:
    return [[int(value) for value in colour] for colour in np.unique(pixels.reshape(-1, 3), axis=0)]


def rgb_profile(*, swapped: bool) -> bytes:
    """Return a minimal matrix profile (ICC.1:2001): sRGB's primaries with gamma 2.2, red and green swapped or not."""
    places = dict(SRGB_COLOURANTS)
    if swapped:
        places[b"rXYZ"], places[b"gXYZ"] = places[b"gXYZ"], places[b"rXYZ"]
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*place) for name, place in places.items()}
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + _fixed(0.9642, 1.0, 0.8249)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = b"curv\0\0\0\0" + struct.pack(">IHH", 1, int(2.2 * 256), 0)
    return _assembled(b"RGB ", tags)


def grey_press_profile() -> bytes:
    """Return a lut8 profile (ICC.1:2001, 6.5.8) of a press that prints every ink as a neutral grey."""
    ramp = bytes(range(256))
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = head + ramp * 4 + bytes([128, 128, 128]) * 2**4 + ramp * 3
    return _assembled(b"CMYK", {b"A2B0": table}, kind=b"prtr", connection=b"Lab ")


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def _assembled(
    space: bytes, tags: dict[bytes, bytes], *, kind: bytes = b"mntr", connection: bytes = b"XYZ "
) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    header = struct.pack(
        ">I4sI4s4s4s12s4s28s12s48s",
        start + len(body),
        b"",
        0x02100000,
        kind,
        space,
        connection,
        struct.pack(">6H", 2000, 1, 1, 0, 0, 0),
        b"acsp",
        b"",
        _fixed(0.9642, 1.0, 0.8249),
        b"",
    )
    return header + table + body


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


RED = Image.new("RGB", (8, 8), (200, 40, 40))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_transparency_is_composited_on_white_whatever_colour_it_hides(kind: str) -> None:
    image = Image.new("RGBA", (16, 16), (200, 0, 0, 0))
    image.paste((0, 0, 200, 255), (0, 0, 16, 8))
    per_kind: dict[str, dict[str, Any]] = {
        "PNG": {},
        "WEBP": {"lossless": True, "exact": True},
        "AVIF": {"quality": 100},
    }
    pixels = decoded(image, kind, **per_kind[kind])
    assert np.abs(pixels[:6] - (0, 0, 200)).max() <= 6
    assert np.abs(pixels[10:] - 255).max() <= 2


def test_half_transparent_is_mixed_with_white() -> None:
    pixels = decoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG")
    assert colours(pixels) == [[127, 127, 127]]


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    np.testing.assert_array_equal(decoded(RED.convert("RGBA"), "PNG"), np.asarray(RED))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_white(kind: str) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 200, 200, 0, 0])
    image.paste(0, (0, 0, 8, 4))
    assert colours(decoded(image, kind, transparency=1)) == [[0, 0, 200], [255, 255, 255]]


def test_a_palette_of_half_transparent_entries_is_mixed_with_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    assert colours(decoded(image, "PNG", transparency=bytes([128, 255]))) == [[127, 127, 127]]


@pytest.mark.parametrize(("mode", "transparent"), [("L", 90), ("RGB", (200, 40, 40))])
def test_a_transparent_colour_is_white(mode: str, transparent: Any) -> None:
    image = Image.new(mode, (8, 8), transparent)
    assert colours(decoded(image, "PNG", transparency=transparent)) == [[255, 255, 255]]


def test_grey_with_alpha_is_composited() -> None:
    assert colours(decoded(Image.new("LA", (4, 4), (0, 128)), "PNG")) == [[127, 127, 127]]


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (40_000, 156), (65_535, 255)])
def test_16_bit_grey_is_scaled_and_not_clipped(value: int, grey: int) -> None:
    image = Image.fromarray(np.full((4, 4), value, dtype=np.uint16))
    assert colours(decoded(image, "PNG")) == [[grey] * 3]


def test_a_transparent_value_of_16_bit_grey_is_white() -> None:
    values = np.full((4, 4), 40_000, dtype=np.uint16)
    values[0] = 1_000
    pixels = decoded(Image.fromarray(values), "PNG", transparency=1_000)
    assert colours(pixels) == [[156] * 3, [255] * 3]


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_one_bit_is_black_and_white(kind: str) -> None:
    image = Image.new("1", (8, 8), 1)
    image.paste(0, (0, 0, 8, 4))
    assert colours(decoded(image, kind)) == [[0] * 3, [255] * 3]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_grey_has_three_equal_channels(kind: str) -> None:
    assert colours(decoded(Image.new("L", (8, 8), 77), kind)) == [[77] * 3]


def test_cmyk_becomes_rgb() -> None:
    pixels = decoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    assert np.abs(pixels - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("profile", [srgb_profile(), rgb_profile(swapped=True)])
def test_the_profile_of_an_rgb_picture_changes_no_pixel(kind: str, profile: bytes) -> None:
    random = np.random.default_rng(3)
    image = Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    np.testing.assert_array_equal(decoded(image, kind, icc_profile=profile), decoded(image, kind))


def test_the_profile_of_a_press_decides_how_its_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    pixels = decoded(image, "JPEG", icc_profile=grey_press_profile(), quality=100)
    assert pixels.max() - pixels.min() <= 2  # without the profile it would be red


@pytest.mark.parametrize(
    "profile", [b"", b"no profile", rgb_profile(swapped=True)[:200], b"\0" * 5_000_000]
)
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    buffer = io.BytesIO()
    RED.save(buffer, "WEBP", lossless=True, icc_profile=profile)
    np.testing.assert_array_equal(
        np.asarray(decode_by_pillow(buffer.getvalue(), max_pixels=10_000)), np.asarray(RED)
    )


def test_a_profile_for_another_kind_of_picture_is_ignored() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    plain = decoded(image, "JPEG")
    np.testing.assert_array_equal(
        decoded(image, "JPEG", icc_profile=rgb_profile(swapped=True)), plain
    )


def test_the_picture_carries_no_profile_on() -> None:
    buffer = io.BytesIO()
    RED.save(buffer, "PNG", icc_profile=rgb_profile(swapped=True))
    assert "icc_profile" not in decode_by_pillow(buffer.getvalue(), max_pixels=10_000).info
