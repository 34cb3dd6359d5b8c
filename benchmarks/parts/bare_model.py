"""The model alone, on ready batches one after another: the upper limit of any pipeline."""

from __future__ import annotations

import time

from benchmarks.parts.load import CHUNK
from benchmarks.parts.turn import Turn
from workers.models.base import EmbeddingModel, Inputs


class BareModel:
    """A model, and one batch of its inputs created in advance."""

    def __init__(self, model: EmbeddingModel, inputs: Inputs, *, seconds: float) -> None:
        self._model = model
        self._batch = [inputs] * CHUNK
        self._seconds = seconds

    def __call__(self) -> Turn:
        """Embed batches of 64 for the given time, at least one, after one uncounted batch."""
        self._model.embed(self._batch)
        began, cpu, batches = time.perf_counter(), time.process_time(), 0
        while batches == 0 or time.perf_counter() - began < self._seconds:
            self._model.embed(self._batch)
            batches += 1
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        pictures = batches * CHUNK
        return Turn(pictures / seconds, 1000 * spent / pictures, spent / seconds)
