"""The reference way from a picture to a checkpoint's inputs: exactly as its own image processor makes them.

The processor's Pillow backend takes a picture apart into an array, puts it together again to scale it,
and takes it apart once more: seconds for a large photograph. Scaled by Pillow beforehand it comes out
bit for bit the same in a fraction of that; whether it does is tried out when the model is opened.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.models.base import Inputs
from workers.models.preprocess.geometry import cut_to_middle, scales_by_shortest_edge, target_size
from workers.models.preprocess.probes import probes


class ReferencePreprocess:
    """The way through Pillow and the processor; thread-safe."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._cuts = scales_by_shortest_edge(processor)
        self.scales_first = all(
            self._same_either_way(Image.fromarray(pixels)) for pixels in probes()
        )
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


def _without_batch_axis(features: Any) -> Inputs:
    return {str(name): _as_input(values[0]) for name, values in features.items()}


def _as_input(values: NDArray[np.generic]) -> NDArray[np.generic]:
    floating = np.issubdtype(values.dtype, np.floating)
    return np.ascontiguousarray(values, dtype=np.float32 if floating else values.dtype)
