"""Texts under their family's rules, with CLIP's published vocabulary if it is available."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import pytest
import torch

from workers.models.tokenizer import Tokenizer, load_tokenizer

TinyModel: TypeAlias = Callable[[str], Path]
BEGIN, END = 49_406, 49_407
LENGTH = 77
SIGLIP_LENGTH = 64


def clip_config() -> SimpleNamespace:
    text = SimpleNamespace(max_position_embeddings=LENGTH)
    return SimpleNamespace(model_type="clip", text_config=text)


@pytest.fixture(scope="module")
def published(shared_data: Path) -> Tokenizer:
    return load_tokenizer(shared_data / "models" / "clip_bpe_tokenizer", clip_config())


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        # From examples in CLIP's repository and in papers.
        ("a photo of a cat", [320, 1125, 539, 320, 2368]),
        ("A Photo of a CAT", [320, 1125, 539, 320, 2368]),
        ("hello world!", [3306, 1002, 256]),
    ],
)
def test_clip_texts_have_the_published_ids(published: Tokenizer, text: str, ids: list[int]) -> None:
    assert published([text])["input_ids"].tolist() == [[BEGIN, *ids, END]]


def test_a_longer_text_is_cut_and_still_ends(published: Tokenizer) -> None:
    tokens = published(["cat " * 300])["input_ids"][0].tolist()
    assert len(tokens) == LENGTH
    assert (tokens[0], tokens[-1]) == (BEGIN, END)


def test_texts_of_a_batch_are_padded_and_the_padding_is_hidden(published: Tokenizer) -> None:
    told = published(["cat", "a photo of a cat"])
    assert told["input_ids"].shape == (2, 7)
    assert told["attention_mask"].tolist() == [[1, 1, 1, 0, 0, 0, 0], [1] * 7]


@pytest.mark.parametrize("family", ["siglip", "siglip2_fixed", "siglip2_naflex"])
def test_siglip_texts_are_padded_to_their_full_length_and_nothing_is_hidden(
    family: str, tiny_model: TinyModel
) -> None:
    text = SimpleNamespace(max_position_embeddings=SIGLIP_LENGTH)
    model_type = "siglip2" if family == "siglip2_naflex" else "siglip"
    tokens = load_tokenizer(
        tiny_model(family), SimpleNamespace(model_type=model_type, text_config=text)
    )
    told = tokens(["RED", "red", "a red dress " * 100])
    assert list(told) == ["input_ids"]
    assert told["input_ids"].shape == (3, SIGLIP_LENGTH)
    assert torch.equal(told["input_ids"][0], told["input_ids"][1])
    assert (told["input_ids"][0] == 0).sum() > SIGLIP_LENGTH // 2  # the padding
