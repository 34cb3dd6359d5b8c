"""Models that can only `embed`, in the steps that the batcher's threads take: the launch does it all."""

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
    """Vectors that are there already."""

    result: NDArray[np.float32]
    finished_at: float | None

    def wait(self) -> None:
        """Nothing to wait for."""

    def vectors(self) -> NDArray[np.float32]:
        """The vectors, as the model gave them."""
        return self.result


@dataclass(frozen=True, slots=True)
class UnstagedBatch:
    """A batch that is embedded when it is launched."""

    embed: Callable[[], NDArray[np.float32]]

    def launch(self) -> LaunchedBatch:
        """Embed it, here and now."""
        return FinishedBatch(self.embed(), time.monotonic())


class UnstagedModel:
    """The steps of a model that has none of its own."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    def enter(self) -> None:
        """Nothing to set up."""

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        """Keep the pictures until the launch."""
        return UnstagedBatch(partial(self._embed, batch))

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        """Keep the texts until the launch."""
        return UnstagedBatch(partial(self._embed_texts, texts))

    # Looked up when called: who wraps a model's methods after the batcher was made is heard.
    def _embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        return self._model.embed(batch)

    def _embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._model.embed_texts(texts)


def as_staged_model(model: EmbeddingModel) -> StagedModel | UnstagedModel:
    """The model itself where it takes its batches in steps, otherwise an adapter."""
    return model if isinstance(model, StagedModel) else UnstagedModel(model)
