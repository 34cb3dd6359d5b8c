"""Which way bytes take, and under which policy."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vitrine.contracts import FailureReason, ItemFailure
from workers.decode import IMAGE_POLICY
from workers.picture import as_pixels
from workers.picture_decoder import SCALED_POLICY, PictureDecoder

MAX_PIXELS = 1_000_000


def small(width: int, height: int) -> tuple[int, int]:
    return min(width, 16), min(height, 16)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def test_jpegs_come_out_as_arrays_and_equal_the_reference() -> None:
    fast = PictureDecoder(MAX_PIXELS)(encoded("JPEG"))
    plain = PictureDecoder(MAX_PIXELS, fast=False)(encoded("JPEG"))
    assert isinstance(fast, np.ndarray)
    assert isinstance(plain, Image.Image)
    np.testing.assert_array_equal(fast, as_pixels(plain))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF", "BMP"])
def test_other_formats_go_by_pillow(kind: str) -> None:
    assert isinstance(PictureDecoder(MAX_PIXELS)(encoded(kind)), Image.Image)


def test_a_policy_of_its_own_where_jpegs_may_be_scaled() -> None:
    assert PictureDecoder(MAX_PIXELS).policy == IMAGE_POLICY
    assert PictureDecoder(MAX_PIXELS, fast=False).policy == IMAGE_POLICY
    assert PictureDecoder(MAX_PIXELS, scaled_size=small).policy == SCALED_POLICY
    assert SCALED_POLICY.startswith(IMAGE_POLICY)
    assert SCALED_POLICY != IMAGE_POLICY


def test_scaling_is_the_fast_ways_alone() -> None:
    scaled = PictureDecoder(MAX_PIXELS, scaled_size=small)(encoded("JPEG"))
    assert as_pixels(scaled).shape == (32, 32, 3)
    whole = PictureDecoder(MAX_PIXELS, fast=False, scaled_size=small)
    assert as_pixels(whole(encoded("JPEG"))).shape == (256, 256, 3)
    assert whole.policy == IMAGE_POLICY


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_too_many_pixels_are_refused_either_way(kind: str, fast: bool) -> None:
    with pytest.raises(ItemFailure, match="256 x 256") as caught:
        PictureDecoder(256 * 256 - 1, fast=fast)(encoded(kind))
    assert caught.value.reason is FailureReason.TOO_MANY_PIXELS
