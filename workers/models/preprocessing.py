"""One upright picture becomes a checkpoint's inputs, exactly as its own image processor makes them.

The processor's Pillow backend takes a picture apart into an array, puts it together again to scale it,
and takes it apart once more: seconds for a large photograph. Scaled by Pillow beforehand it comes out
bit for bit the same in a fraction of that; whether it does is tried out when the model is opened.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from transformers.models.siglip2.image_processing_pil_siglip2 import (
    get_image_size_for_max_num_patches,
)

from workers.models.aspect import cut_to_middle, scales_by_shortest_edge
from workers.models.base import Inputs

_PROBE_SIZES = ((97, 61), (50, 120), (300, 300), (30, 31))


class Preprocessing:
    """The way from a picture to inputs for one image processor; thread-safe."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._cuts = scales_by_shortest_edge(processor)
        self.scales_first = all(self._same_either_way(probe) for probe in _probes())
        """Whether Pillow scales the picture before the processor sees it."""

    def __call__(self, image: Image.Image) -> Inputs:
        """Make one picture's inputs: float32 (or integer) arrays without the batch axis."""
        if self._cuts:
            image = cut_to_middle(image)
        return self._scaled_first(image) if self.scales_first else self._plain(image)

    def _plain(self, image: Image.Image) -> Inputs:
        return _without_batch_axis(self._processor(images=image, return_tensors="np"))

    def _scaled_first(self, image: Image.Image) -> Inputs:
        size = target_size(self._processor, *image.size)
        scaled = image.resize(size, self._processor.resample)
        return _without_batch_axis(
            self._processor(images=scaled, do_resize=False, return_tensors="np")
        )

    def _same_either_way(self, image: Image.Image) -> bool:
        try:
            first, plain = self._scaled_first(image), self._plain(image)
        except (TypeError, ValueError, AttributeError):
            return False
        return first.keys() == plain.keys() and all(
            np.array_equal(first[name], plain[name]) for name in plain
        )


def target_size(processor: Any, width: int, height: int) -> tuple[int, int]:
    """The width and height to which a processor scales a picture; `ValueError` for a rule unknown here."""
    if not processor.do_resize:
        raise ValueError("this processor does not scale")
    patches = getattr(processor, "max_num_patches", None)
    if patches is not None:
        rows, columns = get_image_size_for_max_num_patches(
            height, width, processor.patch_size, patches
        )
        return columns, rows
    size = processor.size
    if size.height and size.width:
        return size.width, size.height
    if not scales_by_shortest_edge(processor):
        raise ValueError("this processor scales by another rule")
    short, long = sorted((width, height))
    longer = int(size.shortest_edge * long / short)
    return (size.shortest_edge, longer) if width <= height else (longer, size.shortest_edge)


def _without_batch_axis(features: Any) -> Inputs:
    return {str(name): _as_input(values[0]) for name, values in features.items()}


def _as_input(values: NDArray[np.generic]) -> NDArray[np.generic]:
    floating = np.issubdtype(values.dtype, np.floating)
    return np.ascontiguousarray(values, dtype=np.float32 if floating else values.dtype)


def _probes() -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in _PROBE_SIZES
    ]
