"""The reference way from a picture to a checkpoint's inputs: exactly those of its own image processor.

The processor's Pillow backend converts a picture to an array, back to a picture to scale it, and to an array
again, which takes seconds for a large photograph. If Pillow scales the picture first, the result is identical
to the last bit in a fraction of the time. Whether that holds is tested when the model is opened.
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
    """Preprocesses with Pillow and the processor. Thread-safe."""

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
