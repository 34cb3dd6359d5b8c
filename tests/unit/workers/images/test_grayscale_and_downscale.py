"""Image policies other than the plain one: greyscale pictures, and a longest side."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vitrine.core.errors import BadInput
from vitrine.core.load_settings import load
from vitrine.core.settings import Settings
from vitrine.testing.worker_fakes import FakeModel
from workers.image import as_pixels, width_and_height
from workers.image_decoder import ImageDecoder, decoder_for
from workers.images.decode_cost import BY_PILLOW, FAST_JPEG, decode_cost
from workers.images.transforms import downscaled, to_grayscale
from workers.models.builtin.model import DescriptorModel

MAX_PIXELS = 50_000_000


def colours() -> NDArray[np.uint8]:
    """Return every fifth of the 16.7 million colours, [1024, 3276, 3]: all values of each two channels occur together."""
    numbers = np.arange(0, 5 * 1024 * 3276, 5, dtype=np.uint32).reshape(1024, 3276)
    return np.stack([(numbers >> shift).astype(np.uint8) for shift in (16, 8, 0)], axis=-1)


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(pixels: NDArray[np.uint8], kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_grey_is_pillows_luma_to_the_last_bit() -> None:
    pixels = colours()
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    found = as_pixels(to_grayscale(pixels.copy()))
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], expected)


def test_arrays_and_images_become_equally_grey() -> None:
    pixels = noise(97, 131)
    image = as_pixels(to_grayscale(Image.fromarray(pixels)))
    np.testing.assert_array_equal(as_pixels(to_grayscale(pixels.copy())), image)


def test_pixels_that_may_not_be_written_to_are_left_alone() -> None:
    pixels = noise(8, 8)
    kept = pixels.copy()
    pixels.flags.writeable = False
    to_grayscale(pixels)
    np.testing.assert_array_equal(pixels, kept)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("fast", [True, False])
def test_every_decoder_gives_three_equal_channels(kind: str, fast: bool) -> None:
    data = encoded(noise(40, 30), kind)
    coloured = as_pixels(ImageDecoder(MAX_PIXELS, fast=fast)(data))
    grey = as_pixels(ImageDecoder(MAX_PIXELS, fast=fast, grey=True)(data))
    expected = np.asarray(Image.fromarray(coloured).convert("L").convert("RGB"))
    np.testing.assert_array_equal(grey, expected)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (2048, 1536)),
        ((3000, 4000), (1536, 2048)),
        ((2049, 1), (2048, 1)),
        ((9001, 3), (2048, 1)),
        ((2048, 2048), (2048, 2048)),
        ((100, 50), (100, 50)),
    ],
)
def test_the_longest_side_is_at_most_the_cap(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert width_and_height(downscaled(Image.new("RGB", size), 2048)) == expected


def test_a_smaller_picture_is_left_as_it_is() -> None:
    image = Image.new("RGB", (2048, 100))
    assert downscaled(image, 2048) is image


def test_the_cap_of_the_settings_reaches_the_decoder() -> None:
    decoder = decoder_for(FakeModel(), Settings(longest_side=1024))
    data = encoded(noise(1500, 300), "JPEG")
    assert width_and_height(decoder(data)) == (1024, 205)
    assert width_and_height(decoder_for(FakeModel(), Settings())(data)) == (1500, 300)


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        (Settings(), "rgb-1"),
        (Settings(grey=True), "grey-1"),
        (Settings(longest_side=2048), "rgb-1-max2048"),
        (Settings(grey=True, longest_side=1024), "grey-1-max1024"),
        (Settings(jpeg_scaling=True), "rgb-1-dct"),
        (Settings(grey=True, longest_side=2048, jpeg_scaling=True), "grey-1-max2048-dct"),
    ],
)
def test_each_policy_has_a_name_of_its_own(settings: Settings, policy: str) -> None:
    assert decoder_for(DescriptorModel(), settings).policy == policy


def test_a_question_may_be_grey_whatever_the_workers_policy() -> None:
    decoder = ImageDecoder(MAX_PIXELS, longest=2048)
    assert decoder.as_grey().policy == "grey-1-max2048"
    assert decoder.as_grey().as_grey() == decoder.as_grey()
    assert not decoder.grey


def test_a_jpeg_that_pillow_will_scale_counts_as_one_of_pillows() -> None:
    data = encoded(noise(64, 64), "JPEG")
    alone, scaled = ImageDecoder(MAX_PIXELS), ImageDecoder(MAX_PIXELS, longest=2048)
    taken = [
        decode_cost(data, fast=one.leaves_jpegs_alone, max_pixels=MAX_PIXELS).nbytes // 64**2
        for one in (alone, scaled)
    ]
    assert taken == [FAST_JPEG, BY_PILLOW]


@pytest.mark.parametrize("value", ["1", "1023", "-5"])
def test_a_cap_below_what_models_see_is_refused_by_name(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_LONGEST_SIDE", value)
    with pytest.raises(BadInput, match="VITRINE_LONGEST_SIDE"):
        load()
