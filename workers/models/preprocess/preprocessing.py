"""Preprocesses one upright picture into a checkpoint's inputs: the fast way if supported, else the reference way.

The fast way returns bytes, which `on_device` normalises on the device; the reference way returns floats, exactly those
of the checkpoint's own image processor. The way is chosen when the model is opened.
"""

from __future__ import annotations

from typing import Any

from workers.image import Picture, as_image
from workers.models.base import Inputs, Way
from workers.models.preprocess.fast_preprocess import fast_preprocess_for
from workers.models.preprocess.normalisation import Tensors
from workers.models.preprocess.reference_preprocess import ReferencePreprocess


class Preprocessing:
    """Preprocesses pictures for one image processor of the Pillow backend. Thread-safe."""

    def __init__(self, processor: Any, *, way: Way = "fast") -> None:
        self._reference = ReferencePreprocess(processor)
        self._fast = fast_preprocess_for(processor, self._reference) if way == "fast" else None

    @property
    def way(self) -> Way:
        """The way in use; `reference` also if the fast way was requested but is not supported."""
        return "reference" if self._fast is None else "fast"

    def __call__(self, picture: Picture) -> Inputs:
        """Make one picture's inputs without the batch axis: uint8 (fast), float32 (reference), or integers."""
        return self._reference(as_image(picture)) if self._fast is None else self._fast(picture)

    def on_device(self, tensors: Tensors) -> Tensors:
        """Normalise a batch's uint8 `pixel_values` to float32 on their device; floats are unchanged."""
        return tensors if self._fast is None else self._fast.on_device(tensors)

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """Return the width and height to which a picture is scaled; None if that is not known beforehand."""
        return None if self._fast is None else self._fast.scaled_size(width, height)
