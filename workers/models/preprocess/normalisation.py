"""Normalises 8-bit values to the numbers that a model was trained on, on the model's device.

A picture is passed on as bytes, a quarter of its size as floats, and the device converts a whole batch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

Tensors = dict[str, torch.Tensor]


class Normalisation:
    """`(factor x - mean) / std` for each channel, as `(x - mean / factor) / (std / factor)` in float32.

    This is the order of operations in transformers' torchvision-backed processors, so the results are equal.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], factor: float) -> None:
        self._shift = torch.tensor(mean) * (1.0 / factor)
        self.scale = torch.tensor(std) * (1.0 / factor)
        """Levels (of 255) that correspond to one unit of the result, float32 [3]."""
        self._there: dict[torch.device, tuple[torch.Tensor, torch.Tensor]] = {}

    @classmethod
    def of(cls, processor: Any) -> Normalisation:
        """Create the normalisation of an image processor."""
        factor = processor.rescale_factor if processor.do_rescale else 1.0
        if not processor.do_normalize:
            return cls([0.0] * 3, [1.0] * 3, factor)
        return cls(processor.image_mean, processor.image_std, factor)

    def __call__(self, tensors: Tensors) -> Tensors:
        """Normalise uint8 `pixel_values`; return floats and inputs without pixels unchanged.

        Pictures are [n, 3, height, width], patches [n, patches, side * side * 3] with the channels last. Patches
        that `pixel_attention_mask` hides become zero, because the processor pads after normalising.
        """
        pixels = tensors.get("pixel_values")
        if pixels is None or pixels.dtype != torch.uint8:
            return tensors
        if pixels.dim() == 4:
            return {**tensors, "pixel_values": self._normalised(pixels, (3, 1, 1))}
        floats = self._normalised(pixels.reshape(*pixels.shape[:2], -1, 3), (3,)).flatten(-2)
        mask = tensors["pixel_attention_mask"].unsqueeze(-1)
        return {**tensors, "pixel_values": floats * mask}

    def _normalised(self, pixels: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        shift, scale = self._placed(pixels.device)
        return pixels.to(torch.float32).sub_(shift.view(shape)).div_(scale.view(shape))

    def _placed(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        # Cached: a copy to a GPU would wait for all its queued work, and cannot be part of a captured graph.
        if device not in self._there:
            self._there[device] = self._shift.to(device), self.scale.to(device)
        return self._there[device]
