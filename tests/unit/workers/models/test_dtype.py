"""bfloat16, as used on GPUs, compared with transformers' own processor and model in float32; and batches of every size.

The towers have the published depth and proportions at an eighth of the width, with transformers' own initial
weights. The tiny checkpoints of other tests have large weights, so that pictures differ, and amplify
rounding more than trained ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from workers.models.base import EmbeddingModel
from workers.models.device import resolve_dtype
from workers.models.families import image_vectors
from workers.models.transformers_model import TransformersModel

TOWER: dict[str, Any] = {
    "hidden_size": 96,
    "intermediate_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 4,
}
TEXT: dict[str, Any] = {**TOWER, "num_hidden_layers": 1, "vocab_size": 64}
FIXED, NAFLEX, CLIP, DINO, REGISTERS = "siglip", "siglip2_naflex", "clip", "dinov2", "dinov2_with_registers"  # fmt: skip
FAMILIES = (FIXED, NAFLEX, CLIP, DINO, REGISTERS)
EXACT, NEAR = 0.9999, 0.999


def build(family: str, target: Path) -> None:
    torch.manual_seed(11)
    model, processor = MAKERS[family]()
    model.save_pretrained(target)
    processor.save_pretrained(target)


def siglip() -> tuple[Any, Any]:
    vision = {**TOWER, "image_size": 64, "patch_size": 16}
    config: Any = transformers.SiglipConfig(text_config=TEXT, vision_config=vision)
    return transformers.SiglipModel(config), SiglipImageProcessorPil(size={"height": 64, "width": 64})  # fmt: skip


def naflex() -> tuple[Any, Any]:
    vision = {**TOWER, "patch_size": 16, "num_patches": 16}
    config: Any = transformers.Siglip2Config(text_config=TEXT, vision_config=vision)
    return transformers.Siglip2Model(config), Siglip2ImageProcessorPil(patch_size=16, max_num_patches=24)  # fmt: skip


def clip() -> tuple[Any, Any]:
    vision = {**TOWER, "image_size": 64, "patch_size": 16}
    config: Any = transformers.CLIPConfig(
        text_config=TEXT, vision_config=vision, projection_dim=128
    )
    size = {"height": 64, "width": 64}
    return transformers.CLIPModel(config), CLIPImageProcessorPil(size={"shortest_edge": 64}, crop_size=size)  # fmt: skip


def dino(*, registers: bool) -> tuple[Any, Any]:
    size = {"height": 56, "width": 56}
    processor = BitImageProcessorPil(size={"shortest_edge": 64}, crop_size=size)
    if registers:
        with_them: Any = transformers.Dinov2WithRegistersConfig(
            **TOWER, image_size=56, patch_size=14, num_register_tokens=4
        )
        return transformers.Dinov2WithRegistersModel(with_them), processor
    config: Any = transformers.Dinov2Config(**TOWER, image_size=56, patch_size=14)
    return transformers.Dinov2Model(config), processor


MAKERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    FIXED: siglip,
    NAFLEX: naflex,
    CLIP: clip,
    DINO: lambda: dino(registers=False),
    REGISTERS: lambda: dino(registers=True),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Splitting matrices this small only costs time, most of all while other tests use the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def deep_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(f"deep-{family}")
            build(family, made[family])
        return made[family]

    return make


@cache
def opened(directory: Path, dtype: str) -> EmbeddingModel:
    return TransformersModel(directory, given=str(directory), device="cpu", dtype=dtype)


def vectors(model: EmbeddingModel, pictures: list[Image.Image]) -> NDArray[np.float64]:
    return units(model.embed([model.preprocess(picture) for picture in pictures]))


def units(found: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = found.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))


@torch.inference_mode()
def reference(directory: Path, pictures: list[Image.Image]) -> NDArray[np.float64]:
    loader: Any = transformers.AutoImageProcessor
    processor: Any = loader.from_pretrained(directory, backend="pil")
    model = transformers.AutoModel.from_pretrained(directory).eval()
    found = [
        image_vectors(model, dict(processor(images=picture, return_tensors="pt")))[0].numpy()
        for picture in pictures
    ]
    return units(np.stack(found))


@pytest.mark.parametrize(("dtype", "least"), [("float32", EXACT), ("bfloat16", NEAR)])
@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_equal_those_of_transformers_in_float32(
    family: str,
    dtype: str,
    least: float,
    deep_model: Callable[[str], Path],
    pictures: list[Image.Image],
) -> None:
    directory = deep_model(family)
    found, expected = vectors(opened(directory, dtype), pictures), reference(directory, pictures)
    assert (found * expected).sum(axis=1).min() >= least
    # Other pictures are further away than that; otherwise the check would show nothing.
    others = (found * np.roll(expected, 1, axis=0)).sum(axis=1)
    assert np.median(others) < 2 * least - 1


@pytest.mark.parametrize("family", [FIXED, NAFLEX, DINO])
def test_a_cap_of_the_longest_side_changes_nothing(
    family: str,
    deep_model: Callable[[str], Path],
    camera_pictures: list[Image.Image],
    capped_pictures: list[Image.Image],
) -> None:
    model = opened(deep_model(family), "float32")
    cosines = (vectors(model, camera_pictures) * vectors(model, capped_pictures)).sum(axis=1)
    assert cosines.min() >= EXACT


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_vector_does_not_depend_on_its_batch(
    family: str, dtype: str, deep_model: Callable[[str], Path], pictures: list[Image.Image]
) -> None:
    model = opened(deep_model(family), dtype)
    alone = np.concatenate([vectors(model, [picture]) for picture in pictures])
    for size in (2, 17):
        together = vectors(model, (pictures * 4)[:size])
        expected = np.concatenate([alone] * 4)[:size]
        assert (together * expected).sum(axis=1).min() >= EXACT


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use bfloat16 if no dtype is given."""

    def resolved(wanted: str | None, device: str) -> torch.dtype:
        return resolve_dtype(wanted or "bfloat16", device)

    monkeypatch.setattr("workers.models.transformers_model.resolve_dtype", resolved)


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize(("dtype", "same"), [(None, True), ("bfloat16", False)])
def test_a_convolutional_model_keeps_float32_unless_it_is_told_otherwise(
    dtype: str | None, same: bool, shared_data: Path, pictures: list[Image.Image]
) -> None:
    directory = shared_data / "models" / "mobilenet_v1_0.25_128"
    model = TransformersModel(directory, given=str(directory), device="cpu", dtype=dtype)
    cosines = (vectors(model, pictures) * reference(directory, pictures)).sum(axis=1)
    assert (cosines.min() >= EXACT) == same


@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_transformer_runs_in_bfloat16_there(
    deep_model: Callable[[str], Path], pictures: list[Image.Image]
) -> None:
    directory = deep_model(DINO)
    model = TransformersModel(directory, given=str(directory), device="cpu")
    there = vectors(model, pictures)
    np.testing.assert_array_equal(there, vectors(opened(directory, "bfloat16"), pictures))
    assert not np.array_equal(there, vectors(opened(directory, "float32"), pictures))
