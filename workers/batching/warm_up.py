"""Runs the first batches before the worker consumes messages, so that the model loads, compiles and allocates now.

It also chooses the batch size: as set, as the model prefers, as stored from an earlier search, or found by a search.
Everything runs in the device's thread, because compiled code and the number of threads are bound to a thread.
"""

from __future__ import annotations

import logging
import time

import numpy as np
from PIL import Image

from vitrine.core.errors import ModelUnavailable
from workers.batching import Batcher
from workers.batching.batch_size_search import find_batch_size
from workers.batching.batch_size_store import BatchSizeStore
from workers.models.base import EmbeddingModel, Inputs
from workers.models.staged import PrefersBatch, Tunable
from workers.normalize import l2_normalise

log = logging.getLogger(__name__)

UNTRIED_BATCH = 64
"""For a model that neither prefers a size nor supports the search."""
_SIDE = 64
_SEED = 20
_LONG = 0.25
"""A first run that takes more than this many seconds counts as the measurement: warm-up effects are negligible then."""


def warm_up(
    model: EmbeddingModel, batcher: Batcher, *, batch_size: int, remembered: BatchSizeStore
) -> None:
    """Warm up the model, and set the batch size to `batch_size`, or to the best one if it is 0.

    Raises `ModelUnavailable` if the model returns no usable vectors.
    """
    noise = np.random.default_rng(_SEED).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    inputs = model.preprocess(Image.fromarray(noise))
    batcher.on_device(lambda: _check(model, inputs, 1))
    size, why = batcher.on_device(lambda: _batch_size(model, inputs, batch_size, remembered))
    log.info("batches of %d (%s)", size, why)
    batcher.resize(size)
    if isinstance(model, Tunable):
        batcher.on_device(lambda: model.tune(size))
    batcher.on_device(lambda: _check(model, inputs, min(size, 4)))


def _check(model: EmbeddingModel, inputs: Inputs, size: int) -> None:
    vectors = model.embed([inputs] * size)
    _, usable = l2_normalise(vectors)
    if vectors.shape != (size, model.dimension) or not usable.all():
        raise ModelUnavailable(
            f"The model {model.name} gives no usable vectors on {model.device}.",
            hint="Check its weights and its dtype.",
        )


def _batch_size(
    model: EmbeddingModel, inputs: Inputs, wanted: int, remembered: BatchSizeStore
) -> tuple[int, str]:
    """Return the batch size and the reason for it."""
    if wanted:
        return wanted, "as set"
    if isinstance(model, PrefersBatch):
        return model.preferred_batch, "as the model prefers"
    if not isinstance(model, Tunable):
        return UNTRIED_BATCH, "any size"
    found, how = remembered.find(model.fingerprint), "as measured before"
    if found is None:
        found, how = find_batch_size(lambda size: _seconds(model, inputs, size)), "measured now"
        remembered.remember(model.fingerprint, found)
    return found.size, f"{how}: {found.pictures_per_s:.0f} pictures/s"


def _seconds(model: Tunable, inputs: Inputs, size: int) -> float:
    """Return the seconds that one batch takes on the device, with its inputs already staged."""
    first, *others = [model.stage([inputs] * size) for _ in range(3)]
    began = time.perf_counter()
    first.launch().vectors()
    taken = time.perf_counter() - began
    if taken > _LONG:
        return taken
    began = time.perf_counter()
    for launched in [staged.launch() for staged in others]:
        launched.vectors()
    return (time.perf_counter() - began) / len(others)
