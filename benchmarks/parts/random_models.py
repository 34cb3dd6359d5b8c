"""Models of published sizes with random weights, created once and cached: speed needs no training.

`clip_b32` has the shape of CLIP ViT-B/32: pictures of 224 x 224 in patches of 32, 12 layers of width 768, 8.8 GFLOP per
picture (A. Radford et al., 2021), with its text tower and a tokeniser of single letters, so that any library opens it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from benchmarks.environments import cache_folder

_COMPLETE = "complete"


def clip_b32() -> Path:
    """Return the model's directory in transformers' format, creating it if needed (0.6 GB)."""
    folder = cache_folder() / "models" / "clip-b32-random"
    if not (folder / _COMPLETE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(folder)
        (folder / _COMPLETE).touch()
    return folder


def _make(folder: Path) -> None:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    tokenizer: Any = transformers.CLIPTokenizer(vocab=vocabulary, merges=[])
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    torch.manual_seed(0)
    config: Any = transformers.CLIPConfig()  # its defaults are ViT-B/32's
    config.text_config.bos_token_id = len(tokens) - 2
    config.text_config.eos_token_id = len(tokens) - 1
    transformers.CLIPModel(config).save_pretrained(folder)
