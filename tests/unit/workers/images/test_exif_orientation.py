"""Orientations, compared with Pillow's own transpositions."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from workers.images.transforms import swaps_sides, upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (300, 7), (131, 260)])
def test_pixels_turn_as_pillow_turns_them(orientation: int, size: tuple[int, int]) -> None:
    stored = np.random.default_rng(orientation).integers(0, 256, (*size, 3), dtype=np.uint8)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation
    turned = upright(stored, orientation)
    np.testing.assert_array_equal(turned, np.asarray(ImageOps.exif_transpose(image)))
    assert turned.dtype == np.uint8
    assert turned.flags.c_contiguous
    assert swaps_sides(orientation) == (orientation > 4)


@pytest.mark.parametrize("orientation", [-1, 0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    stored = np.zeros((2, 3, 3), np.uint8)
    assert upright(stored, orientation) is stored
    assert not swaps_sides(orientation)
