"""JPEGs decoded by libjpeg-turbo alone, compared with the reference decoder: the same pixels, the same verdicts."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from vitrine.core.types import FailureReason, ItemFailure
from workers.image import as_pixels
from workers.image_decoder import ImageDecoder
from workers.images.jpeg_decode import decode_jpeg
from workers.images.pillow_decode import decode_by_pillow

pytestmark = pytest.mark.usefixtures("prepared_pillow")

MAX_PIXELS = 1_000_000
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "fine": {"quality": 98, "subsampling": 0},
    "halved columns": {"subsampling": 1},
    "halved columns and rows": {"subsampling": 2},
    "progressive": {"progressive": True},
    "progressive, coarse": {"progressive": True, "quality": 10, "subsampling": 2},
    "restart markers": {"restart_marker_blocks": 2},
    "rgb": {"keep_rgb": True, "subsampling": 0},
    "profile": {"icc_profile": b"no real profile"},
    "comment": {"comment": b"hello"},
}


def picture(width: int = 67, height: int = 45) -> Image.Image:
    """Return smooth fields with some noise; no two orientations look alike."""
    random = np.random.default_rng(width * 1000 + height)
    field = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    smooth = np.asarray(field.resize((width, height)), np.int16)
    return Image.fromarray(
        np.clip(smooth + random.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)
    )


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def reference(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(decode_by_pillow(data, max_pixels=MAX_PIXELS))


@pytest.mark.parametrize("kind", OPTIONS)
def test_pixels_equal_those_of_the_reference(kind: str) -> None:
    data = jpeg(**OPTIONS[kind])
    pixels = decode_jpeg(data, max_pixels=MAX_PIXELS)
    assert pixels is not None
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, reference(data))


def test_grey_becomes_three_equal_channels() -> None:
    data = jpeg(picture().convert("L"))
    pixels = decode_jpeg(data, max_pixels=MAX_PIXELS)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, reference(data))


@pytest.mark.parametrize("orientation", range(10))
def test_orientations_equal_those_of_the_reference(orientation: int) -> None:
    data = jpeg(exif=exif(orientation))
    pixels = decode_jpeg(data, max_pixels=MAX_PIXELS)
    assert pixels is not None
    assert pixels.shape[:2] == ((67, 45) if orientation in range(5, 9) else (45, 67))
    np.testing.assert_array_equal(pixels, reference(data))


def test_an_orientation_in_xmp_is_honoured() -> None:
    data = jpeg(xmp=b'<rdf tiff:Orientation="8"/>')
    pixels = decode_jpeg(data, max_pixels=MAX_PIXELS)
    assert pixels is not None
    assert pixels.shape == (67, 45, 3)
    np.testing.assert_array_equal(pixels, reference(data))


def test_cmyk_is_left_to_the_reference() -> None:
    data = jpeg(picture().convert("CMYK"))
    assert decode_jpeg(data, max_pixels=MAX_PIXELS) is None
    np.testing.assert_array_equal(decoder(data), reference(data))


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_what_is_cut_off_is_left_to_the_reference(kept: float) -> None:
    data = jpeg()
    assert decode_jpeg(data[: int(len(data) * kept)], max_pixels=MAX_PIXELS) is None


def test_the_size_is_checked_before_the_pixels_are_decoded() -> None:
    # The pixels are cut off: if they had been read, the picture would have been left to the reference.
    data = jpeg(picture(200, 100))
    cut = data[: data.index(b"\xff\xda") + 14]
    with pytest.raises(ItemFailure, match="200 x 100") as caught:
        decode_jpeg(cut, max_pixels=200 * 100 - 1)
    assert caught.value.reason is FailureReason.TOO_MANY_PIXELS
    assert decode_jpeg(data, max_pixels=200 * 100) is not None


@pytest.mark.parametrize(
    ("size", "target", "expected"),
    [
        ((400, 300), (32, 32), (200, 150)),
        ((401, 301), (25, 25), (101, 76)),
        ((400, 300), (50, 50), (200, 150)),
        ((400, 300), (51, 51), (400, 300)),
        ((400, 300), (16, 12), (50, 38)),
        ((400, 300), (1, 1), (50, 38)),
        ((40, 30), (224, 224), (40, 30)),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_scaling_keeps_three_times_the_size_that_the_model_wants(
    size: tuple[int, int], target: tuple[int, int], expected: tuple[int, int], orientation: int
) -> None:
    asked: list[tuple[int, int]] = []

    def scaled_size(width: int, height: int) -> tuple[int, int]:
        asked.append((width, height))
        return target if orientation == 1 else (target[1], target[0])

    data = jpeg(picture(*size), exif=exif(orientation))
    pixels = decode_jpeg(data, max_pixels=MAX_PIXELS, scaled_size=scaled_size)
    assert pixels is not None
    turned = pixels.shape[:2] if orientation == 6 else (pixels.shape[1], pixels.shape[0])
    assert turned == expected
    assert asked == [size if orientation == 1 else (size[1], size[0])]


def test_scaled_pixels_are_near_the_mean_of_what_they_stand_for() -> None:
    smooth = picture(8, 8).resize((256, 256), Image.Resampling.BICUBIC)
    data = jpeg(smooth, quality=95)
    small = decode_jpeg(data, max_pixels=MAX_PIXELS, scaled_size=lambda *_: (40, 40))
    assert small is not None
    means = np.asarray(Image.fromarray(reference(data)).reduce(2), np.int16)
    assert np.abs(small - means).max() <= 8
    assert np.abs(small - means).mean() < 1


def test_a_model_that_cannot_say_gets_the_whole_picture() -> None:
    pixels = decode_jpeg(jpeg(), max_pixels=MAX_PIXELS, scaled_size=lambda *_: None)
    assert pixels is not None
    np.testing.assert_array_equal(pixels, reference(jpeg()))


decoder = ImageDecoder(MAX_PIXELS)
BASES = [
    jpeg(picture(31, 22), **options, **more)
    for options in OPTIONS.values()
    for more in ({}, {"exif": exif(6)})
]
HEADER = 700
"""Most damage is within this many bytes, where the two decoders could differ."""


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    base=st.sampled_from(BASES),
    changes=st.lists(
        st.tuples(
            st.sampled_from(["set", "cut", "put", "marker"]),
            st.integers(2, HEADER),
            st.binary(min_size=1, max_size=6),
        ),
        max_size=4,
    ),
    kept=st.one_of(st.just(1.0), st.floats(0.05, 1)),
)
def test_damaged_jpegs_end_as_the_reference_has_them(
    base: bytes, changes: list[tuple[str, int, bytes]], kept: float
) -> None:
    data = base
    for kind, at, piece in changes:
        data = damaged(data, kind, at, piece)
    data = data[: int(len(data) * kept)]
    ours, theirs = outcome(decoder, data), outcome(ImageDecoder(MAX_PIXELS, fast=False), data)
    if isinstance(theirs, tuple):
        assert ours == theirs
    else:
        np.testing.assert_array_equal(ours, theirs)


def damaged(data: bytes, kind: str, at: int, piece: bytes) -> bytes:
    if kind == "set":
        return data[:at] + piece + data[at + len(piece) :]
    if kind == "cut":
        return data[:at] + data[at + len(piece) :]
    if kind == "put":
        return data[:at] + piece + data[at:]
    segment = b"\xff" + bytes([0xC0 + piece[0] % 0x3F]) + b"\x00" + bytes([len(piece) + 2]) + piece
    return data[:at] + segment + data[at:]


def outcome(decoder: ImageDecoder, data: bytes) -> NDArray[np.uint8] | tuple[FailureReason, str]:
    try:
        return as_pixels(decoder(data))
    except ItemFailure as failure:
        return failure.reason, failure.detail
