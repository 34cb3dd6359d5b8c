"""Each family compared with transformers' own processor and model: cosine at least 0.9999."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image

from vitrine.core.errors import BadInput
from workers.models.base import EmbeddingModel, Way
from workers.models.device_errors import device_errors
from workers.models.staged import DeviceLost
from workers.models.transformers_model import TransformersModel

TinyModel: TypeAlias = Callable[[str], Path]
SAME = 0.9999

WITHOUT_TEXT = ("dinov2", "dinov2_with_registers", "mobilenet_v2")
WITH_TEXT = ("siglip", "siglip2_fixed", "siglip2_naflex", "clip")
TEXTS = ["a red dress", "a Blue Shoe of the finest leather", "stripes", "x" * 300]

REFERENCE: dict[str, Callable[[Any, dict[str, Any]], torch.Tensor]] = {
    "siglip": lambda model, inputs: model.vision_model(**inputs).pooler_output,
    "siglip2_fixed": lambda model, inputs: model.vision_model(**inputs).pooler_output,
    "siglip2_naflex": lambda model, inputs: model.vision_model(**inputs).pooler_output,
    "clip": lambda model, inputs: (
        model(**inputs, input_ids=torch.tensor([[52, 0, 53]])).image_embeds
    ),
    "dinov2": lambda model, inputs: model(**inputs).last_hidden_state[:, 0],
    "dinov2_with_registers": lambda model, inputs: model(**inputs).last_hidden_state[:, 0],
    "mobilenet_v2": lambda model, inputs: model(**inputs).last_hidden_state.mean(dim=(2, 3)),
}


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    a, b = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / lengths)


def opened(directory: Path, way: Way = "fast") -> EmbeddingModel:
    return TransformersModel(directory, given=str(directory), device="cpu", preprocess=way)


def embedded(model: EmbeddingModel, pictures: list[Image.Image]) -> NDArray[np.float32]:
    return model.embed([model.preprocess(picture) for picture in pictures])


@torch.inference_mode()
def reference_vectors(
    family: str, directory: Path, pictures: list[Image.Image]
) -> NDArray[np.float32]:
    processor: Any = transformers.AutoImageProcessor
    processor = processor.from_pretrained(directory, backend="pil")
    model = transformers.AutoModel.from_pretrained(directory).eval()
    vectors = [
        REFERENCE[family](model, dict(processor(images=picture, return_tensors="pt")))[0]
        for picture in pictures
    ]
    stacked: NDArray[np.float32] = torch.stack(vectors).numpy()
    return stacked


AMPLIFIES = "mobilenet_v2"
"""With random weights, noise of a tenth of a level moves its vectors to a cosine of 0.93. For the fast way, the
pretrained MobileNets of `test_golden` and `test_fidelity` cover its family."""
WAYS: list[tuple[str, Way]] = [
    *((family, "reference") for family in REFERENCE),
    *((family, "fast") for family in REFERENCE if family != AMPLIFIES),
]


@pytest.mark.parametrize(("family", "way"), WAYS)
def test_vectors_equal_those_of_transformers(
    family: str, way: Way, tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    directory = tiny_model(family)
    ours = embedded(opened(directory, way), pictures)
    theirs = reference_vectors(family, directory, pictures)
    assert ours.dtype == np.float32
    assert cosines(ours, theirs).min() >= SAME
    # The pictures have different vectors, so the equality above is significant.
    assert cosines(ours, np.roll(ours, 1, axis=0)).max() < 0.999


@pytest.mark.parametrize("family", REFERENCE)
def test_a_picture_has_the_same_vector_in_a_batch_and_alone(
    family: str, tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    model = opened(tiny_model(family))
    alone = np.concatenate([embedded(model, [picture]) for picture in pictures])
    assert cosines(embedded(model, pictures), alone).min() >= SAME


@pytest.mark.parametrize("family", ["siglip", "siglip2_naflex", "clip"])
def test_preprocessing_in_eight_threads_gives_what_one_gives(
    family: str, tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    model = opened(tiny_model(family))
    alone = [model.preprocess(picture) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(model.preprocess, pictures * 8))
    for index, inputs in enumerate(together):
        expected = alone[index % len(pictures)]
        assert inputs.keys() == expected.keys()
        for name, values in inputs.items():
            np.testing.assert_array_equal(values, expected[name])


@pytest.mark.parametrize(("way", "dtype"), [("fast", np.uint8), ("reference", np.float32)])
def test_inputs_have_no_batch_axis_and_each_way_its_dtype(
    way: Way, dtype: type, tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    inputs = opened(tiny_model("siglip"), way).preprocess(pictures[0])
    assert inputs["pixel_values"].shape == (3, 32, 32)
    assert inputs["pixel_values"].dtype == dtype


def test_naflex_keeps_the_shape_of_a_picture(
    tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    inputs = opened(tiny_model("siglip2_naflex")).preprocess(pictures[3])
    height, width = inputs["spatial_shapes"]
    assert width > height
    assert inputs["pixel_attention_mask"].sum() == height * width


@torch.inference_mode()
def reference_texts(family: str, directory: Path, texts: list[str]) -> NDArray[np.float32]:
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(directory)
    model: Any = transformers.AutoModel.from_pretrained(directory).eval()
    if family == "clip":
        encoded = tokenizer(
            texts, padding=True, truncation=True, max_length=77, return_tensors="pt"
        )
        pixels = torch.zeros(1, 3, 32, 32)
        vectors: NDArray[np.float32] = model(**encoded, pixel_values=pixels).text_embeds.numpy()
        return vectors
    encoded = tokenizer(
        [text.lower() for text in texts],
        padding="max_length",
        truncation=True,
        max_length=64,
        return_tensors="pt",
    )
    pooled: NDArray[np.float32] = model.text_model(
        input_ids=encoded["input_ids"]
    ).pooler_output.numpy()
    return pooled


@pytest.mark.parametrize("family", WITH_TEXT)
def test_texts_equal_those_of_transformers(family: str, tiny_model: TinyModel) -> None:
    directory = tiny_model(family)
    model = opened(directory)
    assert model.supports_text
    ours = model.embed_texts(TEXTS)
    assert ours.shape == (len(TEXTS), model.dimension)
    assert cosines(ours, reference_texts(family, directory, TEXTS)).min() >= SAME
    assert cosines(ours, np.roll(ours, 1, axis=0)).max() < 0.999


@pytest.mark.parametrize("family", WITH_TEXT)
def test_a_text_has_the_same_vector_in_a_batch_and_alone(
    family: str, tiny_model: TinyModel
) -> None:
    model = opened(tiny_model(family))
    alone = np.concatenate([model.embed_texts([text]) for text in TEXTS])
    assert cosines(model.embed_texts(TEXTS), alone).min() >= SAME


@pytest.mark.parametrize("family", ["siglip", "siglip2_fixed", "siglip2_naflex"])
def test_siglip_texts_are_lowercased(family: str, tiny_model: TinyModel) -> None:
    model = opened(tiny_model(family))
    upper, lower = model.embed_texts(["RED Dress"]), model.embed_texts(["red dress"])
    assert cosines(upper, lower).min() >= SAME


@pytest.mark.parametrize("family", WITHOUT_TEXT)
def test_a_model_without_a_text_tower_says_so(family: str, tiny_model: TinyModel) -> None:
    model = opened(tiny_model(family))
    assert not model.supports_text
    with pytest.raises(BadInput, match="no text tower"):
        model.embed_texts(["red"])


def test_a_text_tower_without_a_tokeniser_says_so(tiny_model: TinyModel, tmp_path: Path) -> None:
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tiny_model("clip") / name).read_bytes())
    model = opened(tmp_path)
    assert not model.supports_text
    with pytest.raises(BadInput, match="has no tokeniser"):
        model.embed_texts(["red"])


def test_a_tokeniser_that_cannot_be_loaded_leaves_the_pictures(
    tiny_model: TinyModel, tmp_path: Path, pictures: list[Image.Image]
) -> None:
    for path in tiny_model("clip").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{")
    model = opened(tmp_path)
    assert embedded(model, pictures).shape == (5, 24)
    with pytest.raises(BadInput, match="cannot be loaded"):
        model.embed_texts(["red"])


def test_a_checkpoint_that_lacks_weights_is_refused(tiny_model: TinyModel) -> None:
    with pytest.raises(BadInput, match=r"lack pooler\.dense\..* random vectors"):
        opened(tiny_model("vit_without_pooler"))


def test_a_family_without_a_pooled_vector_is_refused_by_name(tiny_model: TinyModel) -> None:
    with pytest.raises(BadInput, match="family 'segformer' do not return a single pooled vector"):
        opened(tiny_model("segformer"))


def test_a_very_long_picture_neither_fills_the_memory_nor_fails(tiny_model: TinyModel) -> None:
    model = opened(tiny_model("clip"))
    line = Image.new("RGB", (1, 60_000), (200, 30, 30))
    square = Image.new("RGB", (64, 64), (200, 30, 30))
    vectors = embedded(model, [line, square])
    assert cosines(vectors[:1], vectors[1:]).min() >= SAME


def test_out_of_memory_on_the_device_is_a_memory_error(
    tiny_model: TinyModel, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(tiny_model("clip"))

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    inputs = [model.preprocess(picture) for picture in pictures]
    monkeypatch.setattr(transformers.CLIPModel, "get_image_features", full)
    with pytest.raises(MemoryError):
        model.embed(inputs)


def test_an_allocation_that_the_machine_refuses_is_a_memory_error() -> None:
    with pytest.raises(MemoryError), device_errors():
        torch.empty(2**50)


def test_a_gpu_that_fails_is_lost_and_no_pictures_fault() -> None:
    with pytest.raises(DeviceLost, match="illegal memory access"), device_errors():
        raise torch.AcceleratorError("CUDA error: illegal memory access\nadvice", 700)


def test_memory_that_cannot_be_pinned_is_a_memory_error() -> None:
    with pytest.raises(MemoryError), device_errors():
        raise torch.AcceleratorError("CUDA error: out of memory\nadvice", 2)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: no memory")],
)
def test_what_a_batch_held_is_free_while_the_error_is_in_hand(error: RuntimeError) -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def forward() -> None:
        activations = torch.zeros(8)
        held.append(weakref.ref(activations))
        raise error

    with pytest.raises(MemoryError) as in_hand, device_errors():
        forward()
    assert in_hand.value.__cause__ is error
    assert held[0]() is None


def test_another_error_of_the_model_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shape"), device_errors():
        torch.zeros(3).reshape(2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")
@pytest.mark.parametrize("family", REFERENCE)
def test_bfloat16_on_a_gpu_stays_close(
    family: str, tiny_model: TinyModel, pictures: list[Image.Image]
) -> None:
    directory = tiny_model(family)
    gpu = TransformersModel(directory, given=str(directory), device="cuda")
    ours = embedded(gpu, pictures)
    assert cosines(ours, reference_vectors(family, directory, pictures)).min() >= 0.995
