"""Fast preprocessing compared with the reference: equal within rounding, at every size, for every supported processor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from workers.models.base import Inputs
from workers.models.preprocess.fast_preprocess import MAX_LEVELS
from workers.models.preprocess.preprocessing import Preprocessing
from workers.models.preprocess.reference_preprocess import ReferencePreprocess

BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
CROP = {"height": 28, "width": 28}
PROCESSORS: dict[str, Any] = {
    "fixed, bilinear": SiglipImageProcessorPil(size={"height": 32, "width": 48}, resample=BILINEAR),
    "fixed, bicubic": SiglipImageProcessorPil(size={"height": 48, "width": 32}, resample=BICUBIC),
    "shortest edge, bilinear": BitImageProcessorPil(
        size={"shortest_edge": 33}, crop_size=CROP, resample=BILINEAR
    ),
    "shortest edge, bicubic": CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=CROP),
    "patches": Siglip2ImageProcessorPil(patch_size=8, max_num_patches=40),
    "not normalised": SiglipImageProcessorPil(
        size={"height": 32, "width": 32}, resample=BILINEAR, do_normalize=False
    ),
    "not rescaled": SiglipImageProcessorPil(
        size={"height": 32, "width": 32}, resample=BILINEAR, do_rescale=False
    ),
}
WAYS = {name: (Preprocessing(one), ReferencePreprocess(one)) for name, one in PROCESSORS.items()}
OTHERS: dict[str, Any] = {
    "longest edge": BitImageProcessorPil(
        size={"shortest_edge": 32, "longest_edge": 40}, do_center_crop=False
    ),
    "as it is": SiglipImageProcessorPil(do_resize=False),
    "another filter": SiglipImageProcessorPil(
        size={"height": 32, "width": 32}, resample=Image.Resampling.LANCZOS
    ),
    "a crop that pads": CLIPImageProcessorPil(
        size={"shortest_edge": 20}, crop_size={"height": 28, "width": 28}
    ),
}


def noise(width: int, height: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(width * 1_000 + height)
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def normalised(preprocessing: Preprocessing, inputs: Inputs) -> dict[str, NDArray[np.generic]]:
    """Return one picture's inputs, as they are on the device."""
    batch = {name: torch.from_numpy(np.array(values))[None] for name, values in inputs.items()}
    return {name: one[0].numpy() for name, one in preprocessing.on_device(batch).items()}


def levels(name: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the differences between the two ways, in levels of 255; all other inputs must be equal."""
    preprocessing, reference = WAYS[name]
    found = normalised(preprocessing, preprocessing(pixels))
    expected = reference(Image.fromarray(pixels))
    assert found.keys() == expected.keys()
    for key in expected.keys() - {"pixel_values"}:
        np.testing.assert_array_equal(found[key], expected[key])
    processor = PROCESSORS[name]
    unit = 1.0 / (processor.rescale_factor if processor.do_rescale else 1.0)
    std = np.array(processor.image_std if processor.do_normalize else [1.0] * 3, np.float32)
    apart = np.subtract(found["pixel_values"], expected["pixel_values"], dtype=np.float32)
    if apart.ndim == 3:
        return np.abs(np.asarray(apart * std[:, None, None] * unit, np.float32))
    return np.abs(np.asarray(apart * np.tile(std, apart.shape[1] // 3) * unit, np.float32))


@pytest.mark.parametrize("name", PROCESSORS)
def test_what_is_understood_takes_the_fast_way(name: str) -> None:
    preprocessing, _ = WAYS[name]
    assert preprocessing.way == "fast"
    assert preprocessing(noise(40, 30))["pixel_values"].dtype == np.uint8
    assert preprocessing(noise(40, 30))["pixel_values"].flags.c_contiguous


@pytest.mark.parametrize("name", PROCESSORS)
@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 150), height=st.integers(1, 150))
def test_noise_of_any_size_is_within_rounding(name: str, width: int, height: int) -> None:
    apart = levels(name, noise(width, height))
    assert apart.max() <= MAX_LEVELS + 0.01
    assert (apart > 1.01).mean() <= 0.002


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 900), (900, 1), (2, 3_001), (3_000, 40), (1_200, 900)]
)
def test_extremes_are_within_rounding(name: str, size: tuple[int, int]) -> None:
    assert levels(name, noise(*size)).max() <= MAX_LEVELS + 0.01


@pytest.mark.parametrize("name", PROCESSORS)
def test_black_and_white_stay_black_and_white(name: str) -> None:
    for value in (0, 255):
        flat = np.full((50, 70, 3), value, np.uint8)
        assert levels(name, flat).max() < 0.01


@pytest.mark.parametrize("name", PROCESSORS)
def test_pillows_picture_gives_what_its_array_gives(name: str) -> None:
    preprocessing, _ = WAYS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_image = preprocessing(Image.fromarray(noise(70, 45)))
    for key, values in preprocessing(noise(70, 45)).items():
        np.testing.assert_array_equal(from_image[key], values)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_understood_takes_the_reference_way(name: str) -> None:
    preprocessing = Preprocessing(OTHERS[name])
    assert preprocessing.way == "reference"
    assert preprocessing.scaled_size(40, 30) is None
    expected = ReferencePreprocess(OTHERS[name])(Image.fromarray(noise(60, 90)))
    np.testing.assert_array_equal(
        preprocessing(noise(60, 90))["pixel_values"], expected["pixel_values"]
    )


@pytest.mark.parametrize("name", PROCESSORS)
def test_the_reference_way_can_be_chosen(name: str) -> None:
    preprocessing = Preprocessing(PROCESSORS[name], way="reference")
    assert preprocessing.way == "reference"
    inputs = preprocessing(noise(40, 30))
    assert inputs["pixel_values"].dtype == np.float32
    for key, values in normalised(preprocessing, inputs).items():
        np.testing.assert_array_equal(values, inputs[key])


def test_floats_are_normalised_already() -> None:
    preprocessing, reference = WAYS["fixed, bilinear"]
    inputs = reference(Image.fromarray(noise(40, 30)))
    np.testing.assert_array_equal(
        normalised(preprocessing, inputs)["pixel_values"], inputs["pixel_values"]
    )


def test_a_batch_is_normalised_as_its_pictures_are() -> None:
    preprocessing, _ = WAYS["patches"]
    pictures = [preprocessing(noise(*size)) for size in ((90, 30), (40, 40), (10, 70))]
    batch = {
        name: torch.from_numpy(np.stack([one[name] for one in pictures])) for name in pictures[0]
    }
    together = preprocessing.on_device(batch)["pixel_values"].numpy()
    for row, inputs in zip(together, pictures, strict=True):
        np.testing.assert_array_equal(row, normalised(preprocessing, inputs)["pixel_values"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fixed, bilinear", (48, 32)),
        ("shortest edge, bicubic", (42, 32)),
        ("patches", (56, 40)),
    ],
)
def test_the_scaled_size_is_said_beforehand(name: str, expected: tuple[int, int]) -> None:
    assert WAYS[name][0].scaled_size(400, 300) == expected


def test_no_size_is_said_of_a_picture_that_is_cut_first() -> None:
    assert WAYS["shortest edge, bicubic"][0].scaled_size(1_700, 100) is None
    assert WAYS["fixed, bilinear"][0].scaled_size(1_700, 100) == (48, 32)
