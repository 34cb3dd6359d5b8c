"""Scores from vitrine's own vectors and scoring, compared with the logits of transformers' processor and model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from workers.models.transformers_model import TransformersModel
from workers.normalize import l2_normalise

TinyModel: TypeAlias = Callable[[str], Path]
TEXTS = ["a red dress", "a blue shoe of the finest leather", "stripes"]
KINDS = {"siglip": "siglip", "siglip2_fixed": "siglip", "siglip2_naflex": "siglip", "clip": "clip"}
SCALE, BIAS = 4.7654321, -12.9876543
"""About the values of trained SigLIP checkpoints, set in the tiny ones, which have the untrained 0 or 2.66."""


@pytest.fixture
def trained(tiny_model: TinyModel, tmp_path: Path) -> Callable[[str], Path]:
    """A tiny checkpoint with a learned scale and bias."""

    def make(family: str) -> Path:
        for path in tiny_model(family).iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        weights = load_file(tmp_path / "model.safetensors")
        learned = {"logit_scale": SCALE, "logit_bias": BIAS}
        for name in learned.keys() & weights.keys():
            weights[name] = torch.full_like(weights[name], learned[name])
        save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
        return tmp_path

    return make


@torch.inference_mode()
def reference_logits(directory: Path, pictures: list[Image.Image]) -> torch.Tensor:
    """Return the logits [pictures, texts], computed as in transformers' documentation."""
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(directory)
    loader: Any = transformers.AutoImageProcessor
    processor: Any = loader.from_pretrained(directory, backend="pil")
    model: Any = transformers.AutoModel.from_pretrained(directory).eval()
    siglip = model.config.model_type != "clip"
    words = tokenizer(
        TEXTS,
        padding="max_length" if siglip else True,
        max_length=64 if siglip else 77,
        truncation=True,
        return_tensors="pt",
        return_attention_mask=not siglip,
    )
    pixels = processor(images=pictures, return_tensors="pt")
    logits: torch.Tensor = model(**words, **pixels).logits_per_image
    return logits


@pytest.mark.parametrize("family", KINDS)
def test_scores_equal_the_models_own_logits(
    family: str, trained: Callable[[str], Path], pictures: list[Image.Image]
) -> None:
    directory = trained(family)
    model = TransformersModel(directory, given=str(directory), device="cpu", preprocess="reference")
    assert model.scoring is not None
    assert model.scoring.kind == KINDS[family]
    seen, _ = l2_normalise(model.embed([model.preprocess(picture) for picture in pictures]))
    read, _ = l2_normalise(model.embed_texts(TEXTS))
    expected = reference_logits(directory, pictures)
    np.testing.assert_allclose(model.scoring.logits(seen @ read.T), expected.numpy(), atol=2e-3)
    siglip = KINDS[family] == "siglip"
    likely = torch.sigmoid(expected) if siglip else torch.softmax(expected, dim=1)
    found = model.scoring.probabilities(seen @ read.T)
    np.testing.assert_allclose(found, likely.numpy(), atol=2e-3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_scale_and_bias_are_those_saved_whatever_the_models_dtype(
    dtype: str, trained: Callable[[str], Path]
) -> None:
    directory = trained("siglip2_fixed")
    model = TransformersModel(directory, given=str(directory), device="cpu", dtype=dtype)
    assert model.scoring is not None
    assert model.scoring.scale == pytest.approx(float(np.exp(np.float64(SCALE))), rel=1e-6)
    assert model.scoring.bias == pytest.approx(BIAS, rel=1e-6)


def test_a_model_without_words_has_no_scoring(tiny_model: TinyModel) -> None:
    directory = tiny_model("dinov2")
    assert TransformersModel(directory, given=str(directory), device="cpu").scoring is None
