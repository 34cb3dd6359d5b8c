"""Adapts models that can only `embed` to the batcher's steps: the launch does all the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workers.models.base import EmbeddingModel, Inputs
from workers.models.staged import LaunchedBatch, StagedBatch, StagedModel


@dataclass(frozen=True, slots=True)
class FinishedBatch:
    """A batch whose vectors are already computed."""

    result: NDArray[np.float32]
    finished_at: float | None

    def wait(self) -> None:
        """Return immediately: the vectors are already there."""

    def vectors(self) -> NDArray[np.float32]:
        """Return the vectors as the model returned them."""
        return self.result


@dataclass(frozen=True, slots=True)
class UnstagedBatch:
    """A batch that is embedded when it is launched."""

    embed: Callable[[], NDArray[np.float32]]

    def launch(self) -> LaunchedBatch:
        """Embed the batch in this call."""
        return FinishedBatch(self.embed(), time.monotonic())


class UnstagedModel:
    """The staged interface for a model that does not implement `StagedModel`."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    def enter(self) -> None:
        """Do nothing: there is nothing to set up."""

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        """Keep the pictures until the launch."""
        return UnstagedBatch(partial(self._embed, batch))

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        """Keep the texts until the launch."""
        return UnstagedBatch(partial(self._embed_texts, texts))

    # Methods are looked up at each call, so that wrapping them works even after the batcher was created.
    def _embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        return self._model.embed(batch)

    def _embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._model.embed_texts(texts)


def as_staged_model(model: EmbeddingModel) -> StagedModel | UnstagedModel:
    """Return the model itself if it is a `StagedModel`, otherwise an adapter."""
    return model if isinstance(model, StagedModel) else UnstagedModel(model)
