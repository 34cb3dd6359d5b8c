"""From bytes to the model's normalised input, float32 [3, side, side], by vitrine's methods and by transformers.

All scale as SigLIP does (a fixed size, bicubic, mean and deviation 0.5).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from workers.image_decoder import ImageDecoder
from workers.models.base import Way
from workers.models.preprocess.preprocessing import Preprocessing

Pixels: TypeAlias = NDArray[np.float32]
MakePixels: TypeAlias = Callable[[bytes], Pixels]
Backend: TypeAlias = Literal["pil", "torchvision"]
MAX_PIXELS = 50_000_000
LEVELS_A_UNIT = 127.5
"""Levels of 255 per unit of the normalised input."""


def vitrine(side: int, *, way: Way = "fast", scaling: bool = False) -> MakePixels:
    """Return a worker's processing of a picture, including the device's part, for a single picture."""
    preprocessing = Preprocessing(_processor("pil", side), way=way)
    decoder = ImageDecoder(
        MAX_PIXELS,
        fast=way == "fast",
        scaled_size=preprocessing.scaled_size if scaling else None,
    )

    def run(data: bytes) -> Pixels:
        inputs = preprocessing(decoder(data))
        batch = {name: torch.from_numpy(np.asarray(one))[None] for name, one in inputs.items()}
        pixels: Pixels = preprocessing.on_device(batch)["pixel_values"][0].numpy()
        return pixels

    return run


def transformers(side: int, *, backend: Backend) -> MakePixels:
    """Return a plain script's processing: Pillow's decoder and the unmodified processor."""
    processor = _processor(backend, side)

    def run(data: bytes) -> Pixels:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        pixels: Pixels = processor(images=image, return_tensors="pt")["pixel_values"][0].numpy()
        return pixels

    return run


def _processor(backend: Backend, side: int) -> Any:
    size = {"height": side, "width": side}
    if backend == "pil":
        from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

        return SiglipImageProcessorPil(size=size, resample=Image.Resampling.BICUBIC)
    from transformers.models.siglip.image_processing_siglip import SiglipImageProcessor

    return SiglipImageProcessor(size=size, resample=Image.Resampling.BICUBIC)
