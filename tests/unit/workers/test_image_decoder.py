"""Which decoder handles which bytes, and under which policy."""

from __future__ import annotations

import io
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.testing.worker_fakes import FakeModel, FakePictureSource
from workers.batching import Batcher
from workers.image import as_pixels
from workers.image_decoder import SCALED_POLICY, ImageDecoder, decoder_for
from workers.images.decode_pool import DecodePool
from workers.images.pillow_decode import IMAGE_POLICY
from workers.models.builtin.model import SIDE, DescriptorModel
from workers.stages import Stages

MAX_PIXELS = 1_000_000


def small(width: int, height: int) -> tuple[int, int]:
    return min(width, 16), min(height, 16)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def test_jpegs_come_out_as_arrays_and_equal_the_reference() -> None:
    fast = ImageDecoder(MAX_PIXELS)(encoded("JPEG"))
    plain = ImageDecoder(MAX_PIXELS, fast=False)(encoded("JPEG"))
    assert isinstance(fast, np.ndarray)
    assert isinstance(plain, Image.Image)
    np.testing.assert_array_equal(fast, as_pixels(plain))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF", "BMP"])
def test_other_formats_go_by_pillow(kind: str) -> None:
    assert isinstance(ImageDecoder(MAX_PIXELS)(encoded(kind)), Image.Image)


def test_a_policy_of_its_own_where_jpegs_may_be_scaled() -> None:
    assert ImageDecoder(MAX_PIXELS).policy == IMAGE_POLICY
    assert ImageDecoder(MAX_PIXELS, fast=False).policy == IMAGE_POLICY
    assert ImageDecoder(MAX_PIXELS, scaled_size=small).policy == SCALED_POLICY
    assert SCALED_POLICY.startswith(IMAGE_POLICY)
    assert SCALED_POLICY != IMAGE_POLICY


def test_scaling_is_the_fast_ways_alone() -> None:
    scaled = ImageDecoder(MAX_PIXELS, scaled_size=small)(encoded("JPEG"))
    assert as_pixels(scaled).shape == (64, 64, 3)
    whole = ImageDecoder(MAX_PIXELS, fast=False, scaled_size=small)
    assert as_pixels(whole(encoded("JPEG"))).shape == (256, 256, 3)
    assert whole.policy == IMAGE_POLICY


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_too_many_pixels_are_refused_either_way(kind: str, fast: bool) -> None:
    with pytest.raises(ItemFailure, match="256 x 256") as caught:
        ImageDecoder(256 * 256 - 1, fast=fast)(encoded(kind))
    assert caught.value.reason is FailureReason.TOO_MANY_PIXELS


def test_settings_choose_the_decoder_of_a_model() -> None:
    model = DescriptorModel()
    fast = decoder_for(model, Settings(max_pixels=1_000))
    assert fast == ImageDecoder(1_000)
    assert not decoder_for(model, Settings(preprocess="reference")).fast
    scaling = decoder_for(model, Settings(jpeg_scaling=True))
    assert scaling.policy == SCALED_POLICY
    assert scaling.scaled_size is not None
    assert scaling.scaled_size(4_000, 3_000) == (SIDE, SIDE)


def test_a_model_that_says_no_size_gets_whole_pictures_under_the_plain_policy() -> None:
    assert decoder_for(FakeModel(), Settings(jpeg_scaling=True)).policy == IMAGE_POLICY


def test_vectors_carry_the_policy_of_their_decoder() -> None:
    model = DescriptorModel()
    batcher = Batcher(model, size=2, wait=0.001)
    with closing(DecodePool(1, budget=1 << 20)) as decoders:
        for scaling, policy in ((False, IMAGE_POLICY), (True, SCALED_POLICY)):
            decoder = decoder_for(model, Settings(jpeg_scaling=scaling))
            assert (
                Stages(model, FakePictureSource({}), decoders, batcher, decoder).space.policy
                == policy
            )
