"""The direct route through Pillow gives the same bits as the processor itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from workers.models.preprocess.geometry import MAX_ASPECT, cut_to_middle
from workers.models.preprocess.reference_preprocess import ReferencePreprocess

TinyModel: TypeAlias = Callable[[str], Path]
CROP = {"height": 28, "width": 28}
PROCESSORS: dict[str, Any] = {
    "fixed": SiglipImageProcessorPil(size={"height": 32, "width": 48}),
    "shortest edge": CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=CROP),
    "shortest edge, bicubic": BitImageProcessorPil(size={"shortest_edge": 37}, crop_size=CROP),
    "patches": Siglip2ImageProcessorPil(patch_size=8, max_num_patches=40),
}


def noise(width: int, height: int) -> Image.Image:
    random = np.random.default_rng(width * 1_000 + height)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", PROCESSORS)
@settings(max_examples=60, deadline=None)
@given(width=st.integers(8, 120), height=st.integers(8, 120))
def test_inputs_equal_those_of_the_processor(name: str, width: int, height: int) -> None:
    reference = ReferencePreprocess(PROCESSORS[name])
    assert reference.scales_first
    inputs = reference(noise(width, height))
    expected = PROCESSORS[name](images=noise(width, height), return_tensors="np")
    assert inputs.keys() == expected.keys()
    for key, values in inputs.items():
        np.testing.assert_array_equal(values, expected[key][0])


@pytest.mark.parametrize("family", ["siglip", "siglip2_naflex", "clip", "dinov2", "mobilenet_v2"])
def test_every_family_that_is_shipped_for_takes_the_short_way(
    family: str, tiny_model: TinyModel
) -> None:
    loader: Any = transformers.AutoImageProcessor
    assert ReferencePreprocess(
        loader.from_pretrained(tiny_model(family), backend="pil")
    ).scales_first


def test_a_processor_that_scales_by_another_rule_is_left_to_itself() -> None:
    processor = BitImageProcessorPil(
        size={"shortest_edge": 32, "longest_edge": 40}, do_center_crop=False
    )
    reference = ReferencePreprocess(processor)
    assert not reference.scales_first
    expected = processor(images=noise(60, 90), return_tensors="np")["pixel_values"][0]
    np.testing.assert_array_equal(reference(noise(60, 90))["pixel_values"], expected)


def test_a_processor_that_does_not_scale_is_left_to_itself() -> None:
    reference = ReferencePreprocess(SiglipImageProcessorPil(do_resize=False))
    assert not reference.scales_first
    assert reference(noise(20, 10))["pixel_values"].shape == (3, 10, 20)


@pytest.mark.parametrize("size", [(10, 160), (160, 10), (50, 50)])
def test_pictures_of_usual_proportions_are_not_cut(size: tuple[int, int]) -> None:
    image = noise(*size)
    assert cut_to_middle(image) is image


@pytest.mark.parametrize("size", [(3, 1_000), (3, 1_001), (1_000, 3), (1_001, 3)])
def test_very_long_pictures_are_cut_around_their_centre(size: tuple[int, int]) -> None:
    row = np.arange(max(size), dtype=np.int64)
    middle = (row[0] + row[-1]) / 2
    coded = np.stack([row >> 8, row & 255, row * 0], axis=-1).astype(np.uint8)
    tall = np.repeat(coded[:, None], 3, axis=1)
    image = Image.fromarray(tall if size[1] > size[0] else tall.transpose(1, 0, 2).copy())
    cut = np.asarray(cut_to_middle(image), dtype=np.int64)
    line = cut[:, 0] if size[1] > size[0] else cut[0]
    places = line[:, 0] * 256 + line[:, 1]
    assert len(places) in {3 * MAX_ASPECT, 3 * MAX_ASPECT + 1}
    assert (places[0] + places[-1]) / 2 == middle
