"""Tiny checkpoints with random weights, one per family, with their processors and tokenisers."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import (
    MobileNetV2ImageProcessorPil,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

TOWER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
WORDS = ["a red dress", "a Blue Shoe of the finest leather", "stripes"]


def _gemma_vocabulary() -> dict[str, int]:
    """Special tokens, bytes, and single letters in both cases, so that lowercasing changes the ids."""
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += [
        chr(code) for code in (*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1))
    ]
    return {token: index for index, token in enumerate(tokens)}


def _clip_vocabulary() -> dict[str, int]:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    return {token: index for index, token in enumerate(tokens)}


def _siglip_config(words: int) -> Any:
    text = {
        **TOWER,
        "vocab_size": words,
        "max_position_embeddings": 64,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    return transformers.SiglipConfig(
        text_config=text, vision_config={**TOWER, "image_size": 32, "patch_size": 8}
    )


def _siglip(target: Path) -> None:
    corpus = [
        f"{left} {right}" for left in WORDS for right in ("red", "blue", "shoe", "leather bag")
    ]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus * 10),
        model_writer=model,
        vocab_size=40,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    (target / "spiece.model").write_bytes(model.getvalue())
    tokenizer: Any = transformers.SiglipTokenizer(
        vocab_file=str(target / "spiece.model"), pad_token="<pad>", model_input_names=["input_ids"]
    )
    tokenizer.save_pretrained(target)
    _save(transformers.SiglipModel(_siglip_config(len(tokenizer))), target)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(target)


def _siglip2_fixed(target: Path) -> None:
    vocabulary = _gemma_vocabulary()
    tokenizer: Any = transformers.GemmaTokenizer(
        vocab=vocabulary, merges=[], padding_side="right", model_input_names=["input_ids"]
    )
    tokenizer.save_pretrained(target)
    _save(transformers.SiglipModel(_siglip_config(len(vocabulary))), target)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(target)


def _siglip2_naflex(target: Path) -> None:
    vocabulary = _gemma_vocabulary()
    text = {
        **TOWER,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 64,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    vision = {**TOWER, "patch_size": 8, "num_patches": 16}
    config = transformers.Siglip2Config(text_config=text, vision_config=vision)
    _save(transformers.Siglip2Model(config), target)
    Siglip2ImageProcessorPil(patch_size=8, max_num_patches=24).save_pretrained(target)
    tokenizer: Any = transformers.Siglip2Tokenizer(
        vocab=vocabulary, merges=[], padding_side="right", model_input_names=["input_ids"]
    )
    tokenizer.save_pretrained(target)


def _clip(target: Path) -> None:
    vocabulary = _clip_vocabulary()
    specials = {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1}
    text = {
        **TOWER,
        **specials,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 77,
        "pad_token_id": specials["eos_token_id"],
    }
    config = transformers.CLIPConfig(
        text_config=text,
        vision_config={**TOWER, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    _save(transformers.CLIPModel(config), target)
    CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(target)
    tokenizer: Any = transformers.CLIPTokenizer(vocab=vocabulary, merges=[])
    tokenizer.save_pretrained(target)


def _dinov2(target: Path) -> None:
    config = transformers.Dinov2Config(**TOWER, image_size=28, patch_size=7)
    _save(transformers.Dinov2Model(config), target)
    _dino_processor(target)


def _dinov2_with_registers(target: Path) -> None:
    config = transformers.Dinov2WithRegistersConfig(
        **TOWER, image_size=28, patch_size=7, num_register_tokens=4
    )
    _save(transformers.Dinov2WithRegistersModel(config), target)
    _dino_processor(target)


def _dino_processor(target: Path) -> None:
    BitImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}
    ).save_pretrained(target)


def _mobilenet_v2(target: Path) -> None:
    config = transformers.MobileNetV2Config(depth_multiplier=0.25, image_size=64)
    _save(transformers.MobileNetV2ForImageClassification(config), target)
    MobileNetV2ImageProcessorPil(
        size={"shortest_edge": 72}, crop_size={"height": 64, "width": 64}
    ).save_pretrained(target)


def _vit_without_pooler(target: Path) -> None:
    """A classifier's checkpoint without a pooler: `AutoModel` would make up the missing weights."""
    config = transformers.ViTConfig(**TOWER, image_size=32, patch_size=8)
    _save(transformers.ViTForImageClassification(config), target)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(target)


def _segformer(target: Path) -> None:
    """A family whose output is a map, not a vector."""
    config = transformers.SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 8, 8], num_attention_heads=[1, 1, 1, 1]
    )
    _save(transformers.SegformerModel(config), target)
    SiglipImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(target)


def _save(model: Any, target: Path) -> None:
    """Save a model with random weights large enough to give different pictures different vectors."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                fan_in = weights[0].numel()
                weights.normal_(0.0, 2.0 / fan_in**0.5, generator=generator)
    model.save_pretrained(target)


BUILDERS: dict[str, Callable[[Path], None]] = {
    "siglip": _siglip,
    "siglip2_fixed": _siglip2_fixed,
    "siglip2_naflex": _siglip2_naflex,
    "clip": _clip,
    "dinov2": _dinov2,
    "dinov2_with_registers": _dinov2_with_registers,
    "mobilenet_v2": _mobilenet_v2,
    "vit_without_pooler": _vit_without_pooler,
    "segformer": _segformer,
}
