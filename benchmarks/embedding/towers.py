"""Opening a model directory with transformers, without any code of vitrine."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

Tower = Callable[[dict[str, torch.Tensor]], torch.Tensor]


def open_model(folder: str) -> Any:
    """Open the model in fp32 on the CPU."""
    return AutoModel.from_pretrained(folder).eval()


def open_processor(folder: str) -> Any:
    """Open the image processor that transformers chooses for the directory."""
    loader: Any = AutoImageProcessor
    return loader.from_pretrained(folder)


def image_tower(model: Any) -> Tower:
    """Return a function from batch inputs to float32 [n, dimension]: the image projection, or the pooled output."""
    run = getattr(model, "get_image_features", model)

    def tower(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        found = run(**inputs)
        vectors: torch.Tensor = found if torch.is_tensor(found) else found.pooler_output
        return vectors

    return tower


def opened(jpeg: bytes) -> Image.Image:
    """Open a picture as most code does."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return image.convert("RGB")
