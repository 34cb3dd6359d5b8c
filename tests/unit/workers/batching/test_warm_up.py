from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.core.errors import ModelUnavailable
from vitrine.testing.worker_fakes import FakeModel
from workers.batching import Batcher
from workers.batching.batch_size_store import FILE_NAME, BatchSizeStore
from workers.batching.unstaged import UnstagedModel
from workers.batching.warm_up import UNTRIED_BATCH, warm_up
from workers.models.base import EmbeddingModel, Inputs
from workers.models.staged import PrefersBatch, StagedBatch, Tunable


class TunedModel(FakeModel):
    """Records the sizes it is tuned for, and in which thread."""

    fingerprint = "tuned, card"

    def __init__(self) -> None:
        super().__init__()
        self.tuned: list[tuple[int, str]] = []
        self._steps = UnstagedModel(self)

    def enter(self) -> None:
        """Do nothing."""

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        return self._steps.stage(batch)

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        return self._steps.stage_texts(texts)

    def tune(self, size: int) -> None:
        self.tuned.append((size, threading.current_thread().name))


class PickyModel(FakeModel):
    preferred_batch = 24


class ZeroModel(FakeModel):
    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        return np.zeros((len(batch), self.dimension), np.float32)


@contextmanager
def started(model: EmbeddingModel) -> Iterator[Batcher]:
    batcher = Batcher(model, size=UNTRIED_BATCH, wait=0.0)
    batcher.start()
    try:
        yield batcher
    finally:
        batcher.close()


def size_of(model: EmbeddingModel, directory: Path, wanted: int = 0) -> int:
    with started(model) as batcher:
        warm_up(model, batcher, batch_size=wanted, remembered=BatchSizeStore(directory))
        return batcher.size


def test_a_model_that_can_be_tried_is_and_the_size_is_remembered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, later = TunedModel(), TunedModel()
    assert isinstance(model, Tunable)
    with caplog.at_level(logging.INFO):
        size = size_of(model, tmp_path)
    assert f"batches of {size} (measured now" in caplog.text
    assert max(model.batches) >= 2
    assert model.tuned == [(size, "device")]
    with caplog.at_level(logging.INFO):
        assert size_of(later, tmp_path) == size
    assert "as measured before" in caplog.text
    assert len(later.batches) == 2
    assert (tmp_path / FILE_NAME).is_file()


def test_a_size_that_was_set_is_taken_and_nothing_is_tried(tmp_path: Path) -> None:
    model = TunedModel()
    assert size_of(model, tmp_path, wanted=7) == 7
    assert model.tuned == [(7, "device")]
    assert model.batches == [1, 4]
    assert not (tmp_path / FILE_NAME).exists()


def test_a_model_may_say_what_it_prefers(tmp_path: Path) -> None:
    assert isinstance(PickyModel(), PrefersBatch)
    assert size_of(PickyModel(), tmp_path) == 24
    assert size_of(FakeModel(), tmp_path) == UNTRIED_BATCH
    assert size_of(PickyModel(), tmp_path, wanted=3) == 3


def test_a_model_without_usable_vectors_is_refused_before_anything_is_consumed(
    tmp_path: Path,
) -> None:
    with started(ZeroModel()) as batcher, pytest.raises(ModelUnavailable, match="no usable"):
        warm_up(ZeroModel(), batcher, batch_size=0, remembered=BatchSizeStore(tmp_path))
