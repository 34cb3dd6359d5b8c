"""A crop of a picture, in every orientation."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workers.image import as_pixels
from workers.image_decoder import ImageDecoder
from workers.images.transforms import crop


def numbered(width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture in which red is the column and green the row."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width)
    pixels[..., 1] = np.arange(height)[:, None]
    return pixels


@pytest.mark.parametrize(
    ("part", "columns", "rows"),
    [
        ((0, 0, 1, 1), (0, 100), (0, 40)),
        ((0.25, 0.5, 0.5, 0.25), (25, 75), (20, 30)),
        ((0.9, 0.9, 0.2, 0.2), (90, 100), (36, 40)),
        ((1, 1, 1, 1), (99, 100), (39, 40)),
        ((0.5, 0.5, 1e-9, 1e-9), (50, 51), (20, 21)),
    ],
)
def test_a_part_is_cut_alike_out_of_arrays_and_images(
    part: tuple[float, ...], columns: tuple[int, int], rows: tuple[int, int]
) -> None:
    pixels = numbered(100, 40)
    expected = pixels[slice(*rows), slice(*columns)]
    found = as_pixels(crop(pixels, part))
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(as_pixels(crop(Image.fromarray(pixels), part)), expected)


def test_a_part_is_of_the_upright_picture() -> None:
    upright = numbered(64, 32)
    turned = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate clockwise to make it upright
    file = io.BytesIO()
    turned.save(file, "PNG", exif=exif)
    decoder = ImageDecoder(1_000_000)
    whole = as_pixels(decoder(file.getvalue()))
    np.testing.assert_array_equal(whole, upright)
    part = as_pixels(decoder.of_part((0.5, 0, 0.5, 0.5))(file.getvalue()))
    np.testing.assert_array_equal(part, upright[:16, 32:])


def test_a_part_is_cut_out_of_the_full_size_whatever_the_decoder_saves() -> None:
    decoder = ImageDecoder(1_000_000, scaled_size=lambda width, height: (width // 2, height // 2))
    assert decoder.of_part((0, 0, 0.5, 0.5)).scaled_size is None
