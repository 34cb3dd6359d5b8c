"""The fast way from a picture to a checkpoint's inputs, for image processors whose rules are supported here.

    uint8 [h, w, 3] -> scaled by the processor's rule -> centre crop or patches -> uint8

The rest, rescaling and normalising, happens on the device (`workers.models.preprocess.normalisation`). A processor is
supported if the results on noise pictures equal those of the reference way, within `MAX_LEVELS` of 255.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image

from workers.image import Picture, as_pixels
from workers.models.base import Inputs
from workers.models.preprocess.geometry import (
    FILTERS,
    cut_to_middle,
    is_very_long,
    resize,
    scales_by_shortest_edge,
    target_size,
)
from workers.models.preprocess.normalisation import Normalisation
from workers.models.preprocess.probes import probes

log = logging.getLogger(__name__)

MAX_LEVELS = 2.0
"""One level for the rounding of each pass. Both together are rare: below 0.1% of the values even for noise."""

Finish: TypeAlias = Callable[[torch.Tensor], Inputs]


class FastPreprocess:
    """Preprocesses with torch. Thread-safe; raises `ValueError` for an unsupported rule."""

    def __init__(self, processor: Any) -> None:
        if processor.resample not in FILTERS or getattr(processor, "do_pad", False):
            raise ValueError("this processor scales or pads by another rule")
        self._processor = processor
        self._filter = FILTERS[processor.resample]
        self._cuts = scales_by_shortest_edge(processor)
        self._finish = _finish(processor)
        self.on_device = Normalisation.of(processor)

    def __call__(self, picture: Picture) -> Inputs:
        """Make one picture's inputs, uint8 `pixel_values` among them, without the batch axis."""
        pixels = as_pixels(picture)
        if self._cuts:
            pixels = cut_to_middle(pixels)
        height, width, _ = pixels.shape
        return self._finish(
            resize(pixels, target_size(self._processor, width, height), self._filter)
        )

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """Return the width and height to which a picture is scaled; None if it is cut before that."""
        if self._cuts and is_very_long(width, height):
            return None
        return target_size(self._processor, width, height)


def fast_preprocess_for(
    processor: Any, reference: Callable[[Image.Image], Inputs]
) -> FastPreprocess | None:
    """Return the fast way for a processor if its results match those of the reference way; else None."""
    try:
        fast = FastPreprocess(processor)
        if all(_alike(fast, reference, pixels) for pixels in probes()):
            return fast
    except (TypeError, ValueError, AttributeError, KeyError):
        pass
    log.info("%s uses an unknown rule; using the reference preprocessing", type(processor).__name__)
    return None


def _alike(fast: FastPreprocess, reference: Callable[[Image.Image], Inputs], pixels: Any) -> bool:
    expected = reference(Image.fromarray(pixels))
    tensors = {name: torch.from_numpy(np.array(one))[None] for name, one in fast(pixels).items()}
    found = {name: one[0].numpy() for name, one in fast.on_device(tensors).items()}
    return found.keys() == expected.keys() and all(
        found[name].shape == expected[name].shape
        and float(np.abs(found[name] - expected[name]).max()) <= _tolerance(fast, name)
        for name in expected
    )


def _tolerance(fast: FastPreprocess, name: str) -> float:
    return (MAX_LEVELS + 0.01) / float(fast.on_device.scale.max()) if name == "pixel_values" else 0


def _finish(processor: Any) -> Finish:
    if getattr(processor, "max_num_patches", None) is not None:
        return lambda scaled: _patches(scaled, processor.patch_size, processor.max_num_patches)
    if getattr(processor, "do_center_crop", False):
        crop = processor.crop_size
        return lambda scaled: _cropped(scaled, crop.height, crop.width)
    return lambda scaled: {"pixel_values": scaled.numpy()}


def _cropped(scaled: torch.Tensor, height: int, width: int) -> Inputs:
    """Crop the middle; an odd remaining pixel is at the end. Raises `ValueError` if the crop is larger than the picture."""
    top, left = (scaled.shape[1] - height) // 2, (scaled.shape[2] - width) // 2
    if min(top, left) < 0:
        raise ValueError("this processor pads what it crops")
    middle = scaled[:, top : top + height, left : left + width]
    return {"pixel_values": middle.contiguous().numpy()}


def _patches(scaled: torch.Tensor, side: int, most: int) -> Inputs:
    """Split into squares of `side` in row order, each flat with channels last, padded with zeros to `most` squares."""
    rows, columns = scaled.shape[1] // side, scaled.shape[2] // side
    squares = scaled.reshape(3, rows, side, columns, side).permute(1, 3, 2, 4, 0)
    padded = torch.zeros((most, side * side * 3), dtype=torch.uint8)
    padded[: rows * columns] = squares.reshape(rows * columns, -1)
    return {
        "pixel_values": padded.numpy(),
        "pixel_attention_mask": (np.arange(most) < rows * columns).astype(np.int32),
        "spatial_shapes": np.array([rows, columns], np.int64),
    }
