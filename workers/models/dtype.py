"""Which models lose too much in bfloat16 to run in it unasked.

A transformer normalises what it computes at every layer, and its rounding stays where it began. A convolutional
model with batch normalisation multiplies by numbers learned once, and rounding adds up: of real pictures through
MobileNetV2 in bfloat16 the worst came to a cosine of 0.981 with float32, through V1 to 0.994.
"""

from __future__ import annotations

import torch
from torch import nn


def needs_float32(model: nn.Module) -> bool:
    """Whether bfloat16 would move this model's vectors visibly."""
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def default_dtype(model: nn.Module, dtype: torch.dtype) -> torch.dtype:
    """The number type for a loaded model where nobody named one: `dtype`, or float32 where it needs that."""
    return torch.float32 if needs_float32(model) else dtype
