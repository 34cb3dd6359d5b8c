"""SigLIP image towers of published sizes with random weights, and their arithmetic per picture.

Widths, layers, heads and patches are those of the published configurations (so400m-patch14-384 of SigLIP; base-patch16-224
and large-patch16-512 of SigLIP 2, whose fixed-resolution checkpoints have the same architecture).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil


@dataclass(frozen=True, slots=True)
class Tower:
    """One size of image tower."""

    name: str
    width: int
    inner: int  #: Width of the two-layer perceptrons.
    layers: int
    heads: int
    patch: int
    side: int  #: Side of a picture in pixels.

    @property
    def tokens(self) -> int:
        """Patches per picture."""
        return (self.side // self.patch) ** 2

    @property
    def flops(self) -> float:
        """Floating-point operations per picture: two per multiplication of the matrix products, ignoring the rest.

        A layer has four projections and a perceptron on every token, and attention between all tokens. The pooling head
        attends with a single query, so it needs only keys and values for every token.
        """
        n, d, f = self.tokens, self.width, self.inner
        layer = 2 * n * (4 * d * d + 2 * d * f) + 4 * n * n * d
        patches = 2 * n * 3 * self.patch**2 * d
        head = 2 * n * 2 * d * d + 4 * n * d + 2 * (2 * d * d + 2 * d * f)
        return float(self.layers * layer + patches + head)


SO400M_384 = Tower("so400m_384", 1152, 4304, 27, 16, 14, 384)
BASE_224 = Tower("base_224", 768, 3072, 12, 12, 16, 224)
LARGE_512 = Tower("large_512", 1024, 4096, 24, 16, 16, 512)
TINY = Tower("tiny", 32, 64, 2, 4, 8, 32)
"""For testing the benchmark itself."""


def make(tower: Tower, folder: Path) -> Path:
    """Write a directory in transformers' format: random weights in bfloat16, and the processor."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    config = transformers.SiglipVisionConfig(
        hidden_size=tower.width,
        intermediate_size=tower.inner,
        num_hidden_layers=tower.layers,
        num_attention_heads=tower.heads,
        patch_size=tower.patch,
        image_size=tower.side,
    )
    model: Any = transformers.SiglipVisionModel(config)
    model.to(torch.bfloat16).save_pretrained(folder)
    size = {"height": tower.side, "width": tower.side}
    SiglipImageProcessorPil(size=size).save_pretrained(folder)
    return folder
