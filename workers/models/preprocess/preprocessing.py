"""One upright picture becomes a checkpoint's inputs: the fast way where it is understood, else the reference.

The fast way gives bytes, which `on_device` normalises there; the reference gives floats, exactly those of the
checkpoint's own image processor. Which of the two a model takes is settled when it is opened.
"""

from __future__ import annotations

from typing import Any

from workers.image import Picture, as_image
from workers.models.base import Inputs, Way
from workers.models.preprocess.fast_preprocess import fast_preprocess_for
from workers.models.preprocess.normalisation import Tensors
from workers.models.preprocess.reference_preprocess import ReferencePreprocess


class Preprocessing:
    """The way from a picture to inputs for one image processor of the Pillow backend; thread-safe."""

    def __init__(self, processor: Any, *, way: Way = "fast") -> None:
        self._reference = ReferencePreprocess(processor)
        self._fast = fast_preprocess_for(processor, self._reference) if way == "fast" else None

    @property
    def way(self) -> Way:
        """Which way it is; `reference` also where the fast one was asked for and is not understood."""
        return "reference" if self._fast is None else "fast"

    def __call__(self, picture: Picture) -> Inputs:
        """Make one picture's inputs without the batch axis: uint8 the fast way, float32 the other, or integers."""
        return self._reference(as_image(picture)) if self._fast is None else self._fast(picture)

    def on_device(self, tensors: Tensors) -> Tensors:
        """Make normalised float32 of a batch's uint8 `pixel_values`, where they are; floats are left alone."""
        return tensors if self._fast is None else self._fast.on_device(tensors)

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The width and height to which a picture is scaled; None where that is not known beforehand."""
        return None if self._fast is None else self._fast.scaled_size(width, height)
