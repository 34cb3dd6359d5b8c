"""The image policy, on pictures made here: formats, orientation, transparency, limits, broken files."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from vitrine.core.types import FailureReason, ItemFailure
from workers.images.pillow_decode import IMAGE_POLICY, decode_by_pillow

pytestmark = pytest.mark.usefixtures("prepared_pillow")

MAX_PIXELS = 1_000_000
LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "BMP": {}, "WEBP": {"lossless": True}}
LOSSY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "AVIF": {"quality": 95},
    "GIF": {},
}
FORMATS = {**LOSSLESS, **LOSSY}
DECODING_REASONS = {
    FailureReason.NOT_AN_IMAGE,
    FailureReason.TRUNCATED,
    FailureReason.CORRUPT,
    FailureReason.TOO_MANY_PIXELS,
}


def picture(width: int = 24, height: int = 16) -> Image.Image:
    """Return four colours in the corners and a gradient: no two orientations look alike."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x / 2 - y / 2], axis=-1).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> NDArray[np.int16]:
    image = decode_by_pillow(data, max_pixels=MAX_PIXELS)
    assert image.mode == "RGB"
    return np.asarray(image, dtype=np.int16)


def failure(data: bytes, max_pixels: int = MAX_PIXELS) -> ItemFailure:
    with pytest.raises(ItemFailure) as caught:
        decode_by_pillow(data, max_pixels=max_pixels)
    return caught.value


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def test_the_policy_has_a_version() -> None:
    assert IMAGE_POLICY == "rgb-1"


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_give_the_exact_pixels(kind: str) -> None:
    data = encoded(picture(), kind, **LOSSLESS[kind])
    np.testing.assert_array_equal(pixels(data), np.asarray(picture()))


@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_formats_give_what_pillow_gives(kind: str) -> None:
    data = encoded(picture(), kind, **LOSSY[kind])
    plain = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_array_equal(pixels(data), plain)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_come_out_upright(kind: str, orientation: int) -> None:
    data = encoded(picture(), kind, exif=exif(orientation), **FORMATS[kind])
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(pixels(data), np.asarray(upright.convert("RGB")))
    assert pixels(data).shape[:2] == ((24, 16) if orientation > 4 else (16, 24))


def test_a_turned_picture_is_not_turned_twice_by_a_reader() -> None:
    image = decode_by_pillow(encoded(picture(), "JPEG", exif=exif(6)), max_pixels=MAX_PIXELS)
    assert image.size == (16, 24)
    assert ImageOps.exif_transpose(image).size == (16, 24)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    data = encoded(picture(), "PNG", exif=exif(orientation))
    np.testing.assert_array_equal(pixels(data), np.asarray(picture()))


@pytest.mark.parametrize(
    "block", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage"]
)
def test_broken_exif_costs_no_picture(block: bytes) -> None:
    plain = encoded(picture(), "JPEG")
    np.testing.assert_array_equal(pixels(encoded(picture(), "JPEG", exif=block)), pixels(plain))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert np.unique(pixels(data).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_pixels_are_refused_by_their_number(kind: str) -> None:
    data = encoded(picture(), kind, **FORMATS[kind])
    error = failure(data, max_pixels=24 * 16 - 1)
    assert error.reason is FailureReason.TOO_MANY_PIXELS
    assert "24 x 16" in error.detail
    assert decode_by_pillow(data, max_pixels=24 * 16).size == (24, 16)


def test_the_size_is_checked_before_the_pixels_are_decoded() -> None:
    # The pixel data is cut off: if it had been read, the reason would be another one.
    data = encoded(Image.new("1", (20_000, 20_000)), "PNG")[:200]
    assert failure(data, max_pixels=50_000_000).reason is FailureReason.TOO_MANY_PIXELS


def test_an_avif_over_the_decoders_own_limit_has_too_many_pixels() -> None:
    data = encoded(picture(), "AVIF")
    at = data.index(b"ispe") + 8
    huge = data[:at] + (17_000).to_bytes(4, "big") * 2 + data[at + 8 :]
    assert failure(huge).reason is FailureReason.TOO_MANY_PIXELS


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_picture_that_is_cut_off_is_truncated(kind: str, share: float) -> None:
    data = encoded(picture(96, 64), kind, **FORMATS[kind])
    error = failure(data[: int(len(data) * share)])
    assert error.reason is FailureReason.TRUNCATED
    assert kind in error.detail


def test_damage_inside_a_picture_is_corrupt() -> None:
    data = bytearray(encoded(picture(96, 64), "PNG"))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    error = failure(bytes(data))
    assert error.reason is FailureReason.CORRUPT
    assert "PNG" in error.detail


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "looks like HTML"),
        (b"\xef\xbb\xbf  <HTML><head>", "looks like HTML"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "looks like an SVG drawing"),
        (b'{"error": "no such picture"}', "looks like JSON"),
        (b"%PDF-1.7 ...", "looks like a PDF"),
        (b"\x1f\x8b\x08\x00", "looks like gzip-compressed data"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "looks like HEIF, HEIC or a video"),
        (bytes(range(64)), "not a known picture format"),
    ],
)
def test_bytes_that_are_no_picture_say_what_they_look_like(data: bytes, said: str) -> None:
    error = failure(data)
    assert error.reason is FailureReason.NOT_AN_IMAGE
    assert said in error.detail


def test_a_tiff_is_refused_with_the_formats_that_are_accepted() -> None:
    error = failure(encoded(picture(), "TIFF"))
    assert error.reason is FailureReason.NOT_AN_IMAGE
    assert "TIFF" in error.detail
    assert "accepted are JPEG" in error.detail


def test_memory_that_runs_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    data = encoded(picture(), "PNG")
    monkeypatch.setattr(Image.Image, "load", full)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", full)
    assert failure(data).reason is FailureReason.OUT_OF_MEMORY


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(sorted(FORMATS)),
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    kept=st.floats(0.05, 1),
)
def test_damaged_pictures_end_decoded_or_named(
    kind: str, damage: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(encoded(picture(), kind, **FORMATS[kind]))
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    outcome = decoded_or_failure(bytes(data[: int(len(data) * kept)]))
    if isinstance(outcome, ItemFailure):
        assert outcome.reason in DECODING_REASONS
        assert outcome.detail.isprintable()
        assert len(outcome.detail) < 200
    else:
        assert outcome.mode == "RGB"


def decoded_or_failure(data: bytes) -> Image.Image | ItemFailure:
    try:
        return decode_by_pillow(data, max_pixels=MAX_PIXELS)
    except ItemFailure as failure:
        return failure


def test_pillows_warnings_are_silent_once_the_process_is_prepared() -> None:
    chunk = b"acTL" + bytes(8)  # an animation without frames, which Pillow warns about
    control = struct.pack(">I", 8) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = encoded(picture(), "PNG")
    at = data.index(b"IDAT") - 4
    np.testing.assert_array_equal(pixels(data[:at] + control + data[at:]), np.asarray(picture()))


def test_many_threads_decode_what_one_decodes() -> None:
    files = [
        encoded(picture(40 + n, 30), kind, **FORMATS[kind]) for n in range(8) for kind in FORMATS
    ]
    alone = [pixels(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(pixels, files), strict=True):
            np.testing.assert_array_equal(one, other)
