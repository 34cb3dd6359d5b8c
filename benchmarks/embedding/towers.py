"""A model directory as transformers opens it, without anything of vitrine's."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

Tower = Callable[[dict[str, torch.Tensor]], torch.Tensor]


def open_model(folder: str) -> Any:
    """The model, fp32 on the CPU."""
    return AutoModel.from_pretrained(folder).eval()


def open_processor(folder: str) -> Any:
    """The image processor that transformers chooses for the directory."""
    loader: Any = AutoImageProcessor
    return loader.from_pretrained(folder)


def image_tower(model: Any) -> Tower:
    """The way from a batch's inputs to float32 [n, dimension]: the picture tower's projection, or the pooled output."""
    run = getattr(model, "get_image_features", model)

    def tower(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        found = run(**inputs)
        vectors: torch.Tensor = found if torch.is_tensor(found) else found.pooler_output
        return vectors

    return tower


def opened(jpeg: bytes) -> Image.Image:
    """A picture as most code opens it."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.convert("RGB")
