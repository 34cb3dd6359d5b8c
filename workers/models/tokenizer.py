"""Tokenises texts for a text tower, with the model directory's own tokeniser and its family's rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from vitrine.core.errors import BadInput
from workers.models.families import TextRule, text_rule

_VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tokenizer.model",
    "sentencepiece.bpe.model",
)


class Tokenizer:
    """One model's tokeniser. Not thread-safe: only the thread that owns the device uses it."""

    def __init__(self, tokenizer: Any, rule: TextRule, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._rule = rule
        self._max_length = max_length

    def __call__(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Tokenise n texts to int64 [n, length], truncated to the tower's length."""
        given = [text.lower() for text in texts] if self._rule.lowercase else list(texts)
        encoded = self._tokenizer(
            given,
            padding=self._rule.padding,
            truncation=True,
            max_length=self._max_length,
            return_attention_mask=self._rule.attention_mask,
            return_tensors="pt",
        )
        return {str(name): tensor for name, tensor in encoded.items()}


def load_tokenizer(directory: Path, config: Any) -> Tokenizer:
    """Load a directory's tokeniser; raises `BadInput` if there is none or it cannot be loaded."""
    # Without a vocabulary, transformers would create an empty tokeniser, and all texts would get the same embedding.
    if not any((directory / name).is_file() for name in _VOCABULARIES):
        raise BadInput(
            f"The model directory {directory} has no tokeniser, so it cannot embed words."
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # tokenisers raise whatever their file formats raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(
            f"The tokeniser in {directory} cannot be loaded: {reason[0][:200]}"
        ) from error
    return Tokenizer(tokenizer, text_rule(config.model_type), _max_length(config))


def _max_length(config: Any) -> int:
    """Return the tower's number of positions: 64 for SigLIP, 77 for CLIP."""
    return int(getattr(config, "text_config", config).max_position_embeddings)
