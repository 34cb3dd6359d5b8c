"""The registry's data, checked against transformers' own architectures and the project's model names."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers

from vitrine.core.model_registry import (
    MODEL_CARDS,
    ModelCard,
    find_model_card,
    resolve_model_card,
    split_revision,
)
from vitrine.core.types import model_name
from workers.models.builtin.model import SIDE, DescriptorModel

# Width, layers, heads and inner width of the published towers: SigLIP (arXiv:2303.15343), SigLIP 2 (arXiv:2502.14786),
# CLIP (arXiv:2103.00020), DINOv2 (arXiv:2304.07193).
SIGLIP_SIZES = {
    "base": (768, 12, 12, 3072),
    "large": (1024, 24, 16, 4096),
    "so400m": (1152, 27, 16, 4304),
}
DINO_SIZES = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16), "giant": (1536, 40, 24)}  # fmt: skip
CLIP_TOWERS = {
    "base": ((768, 12, 12, 3072), (512, 12, 8, 2048)),
    "large": ((1024, 24, 16, 4096), (768, 12, 12, 3072)),
}


def tower(width: int, layers: int, heads: int, inner: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
    }


def patch(card: ModelCard) -> int:
    found = re.search(r"patch(\d+)", card.id)
    assert found is not None
    return int(found[1])


def siglip(card: ModelCard) -> Any:
    size = tower(*next(size for name, size in SIGLIP_SIZES.items() if f"-{name}-" in card.id))
    words = 256_000 if card.family == "siglip2" else 32_000
    text = {**size, "vocab_size": words, "max_position_embeddings": 64}
    vision = {**size, "patch_size": patch(card)}
    if card.side is None:
        config: Any = transformers.Siglip2Config(
            text_config=text, vision_config={**vision, "num_patches": card.patches}
        )
        return transformers.Siglip2Model(config)
    config = transformers.SiglipConfig(
        text_config=text, vision_config={**vision, "image_size": card.side}
    )
    return transformers.SiglipModel(config)


def clip(card: ModelCard) -> Any:
    seeing, reading = next(both for name, both in CLIP_TOWERS.items() if f"-{name}-" in card.id)
    config: Any = transformers.CLIPConfig(
        text_config={**tower(*reading), "vocab_size": 49_408, "max_position_embeddings": 77},
        vision_config={**tower(*seeing), "patch_size": patch(card), "image_size": card.side},
        projection_dim=card.dimension,
    )
    return transformers.CLIPModel(config)


def dinov2(card: ModelCard) -> Any:
    width, layers, heads = DINO_SIZES[card.id.rpartition("-")[2]]
    common: dict[str, Any] = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "patch_size": 14,
        "image_size": 518,  # the training size; at 224, positions are interpolated
        "use_swiglu_ffn": card.id.endswith("giant"),
    }
    if "with-registers" in card.id:
        registers: Any = transformers.Dinov2WithRegistersConfig(num_register_tokens=4, **common)
        return transformers.Dinov2WithRegistersModel(registers)
    config: Any = transformers.Dinov2Config(**common)
    return transformers.Dinov2Model(config)


ARCHITECTURES: dict[str, Callable[[ModelCard], Any]] = {
    "siglip": siglip,
    "siglip2": siglip,
    "clip": clip,
    "dinov2": dinov2,
}
LEARNED = [card for card in MODEL_CARDS if card.family in ARCHITECTURES]


@pytest.mark.parametrize("card", LEARNED, ids=lambda card: card.name)
def test_numbers_are_those_of_the_architecture(card: ModelCard) -> None:
    with torch.device("meta"):  # shapes only, no memory
        model = ARCHITECTURES[card.family](card)
    assert sum(weights.numel() for weights in model.parameters()) == card.parameters
    vision = getattr(model.config, "vision_config", model.config)
    projected = getattr(model.config, "projection_dim", None) if card.family == "clip" else None
    assert (projected or vision.hidden_size) == card.dimension
    assert hasattr(model, "get_text_features") == card.text


def test_the_builtin_model_is_listed_as_it_is() -> None:
    card = find_model_card("builtin")
    assert card is not None
    model = DescriptorModel()
    assert (card.name, card.dimension, card.side) == (model.name, model.dimension, SIDE)
    assert card.text == model.supports_text
    assert card.parameters == 0


def test_no_two_models_share_a_name() -> None:
    assert len({card.name for card in MODEL_CARDS}) == len({card.id.lower() for card in MODEL_CARDS}) == len(MODEL_CARDS)  # fmt: skip


def test_pins_are_whole_commits_and_no_two_models_share_one() -> None:
    pins = [card.revision for card in MODEL_CARDS if card.revision]
    assert all(re.fullmatch(r"[0-9a-f]{40}", pin) for pin in pins)
    assert len(set(pins)) == len(pins)
    assert [card.id for card in MODEL_CARDS if card.revision is None] == ["builtin"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("openai/clip-vit-large-patch14", "32bd64288804d66eefd0ccbe215aa642df71cc41"),
        ("OpenAI/CLIP-ViT-Large-Patch14", "32bd64288804d66eefd0ccbe215aa642df71cc41"),
        ("openai/clip-vit-large-patch14@main", "main"),
        ("openai/clip-vit-large-patch14@", "32bd64288804d66eefd0ccbe215aa642df71cc41"),
        ("shop/own-model", None),
        ("shop/own-model@v2", "v2"),
    ],
)
def test_a_revision_after_the_name_goes_before_the_pin(given: str, expected: str | None) -> None:
    model, revision = split_revision(given)
    assert (model, revision) == (given.partition("@")[0], expected)


def test_a_model_is_found_by_id_name_and_what_people_call_it() -> None:
    card = find_model_card("google/siglip2-base-patch16-224")
    assert card is not None
    assert find_model_card(card.name) is find_model_card(card.id.upper()) is card
    assert find_model_card("siglip2-base-patch16-224") is None  # a directory may have that name
    assert resolve_model_card("siglip2-base-patch16-224") is card
    assert resolve_model_card("no-such-model") is None


def test_another_revision_has_a_queue_of_its_own() -> None:
    assert model_name("google/siglip2-base-patch16-224@main") != model_name(
        "google/siglip2-base-patch16-224"
    )


def test_the_registry_loads_no_torch() -> None:
    code = "import sys; import vitrine.core.model_registry; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
