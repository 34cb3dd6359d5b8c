"""The thread that owns the device: takes batches from the packer, embeds, normalises, answers futures.

Only this thread calls the model. It never waits for the network, the disk or a decoder; it notes when
a batch began, so that the watchdog can tell a slow batch from a hung one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vitrine.contracts import FailureReason, ItemFailure
from workers.batching.halving import Embed, FittingSize, Halving, T
from workers.batching.packer import Lane, Packer, Request
from workers.models.base import EmbeddingModel, Inputs
from workers.normalise import l2_normalise

log = logging.getLogger(__name__)

BULK_BATCHES_WAITING = 4
"""Bulk requests that may wait, in batches; past that `submit` blocks, which slows decoding and fetching."""


class Batcher:
    """Requests from any thread, one thread for the device."""

    def __init__(self, model: EmbeddingModel, *, size: int, wait: float) -> None:
        self._model = model
        self._fitting = FittingSize(size)
        self._packer = Packer(size=size, wait=wait)
        self._bulk_limit = size * BULK_BATCHES_WAITING
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self.batch_began: float | None = (
            None  #: When the model was last called, monotonic seconds; None while idle.
        )
        self.batches = 0  #: Batches embedded so far.
        self.pictures = 0  #: Requests answered so far.

    def start(self) -> None:
        """Start the device's thread."""
        self._thread.start()

    def submit(
        self, inputs: Inputs, *, lane: Lane, alone: bool = False
    ) -> Future[NDArray[np.float32]]:
        """Ask for a picture's unit vector; blocks a bulk request while too many wait.

        The future raises `ItemFailure` where the picture has no vector.
        """
        return self._put(Request(inputs, lane, time.monotonic(), alone))

    def submit_text(self, text: str) -> Future[NDArray[np.float32]]:
        """Ask for a text's unit vector, in the query lane."""
        return self._put(Request(text, Lane.QUERY, time.monotonic()))

    def _put(self, request: Request) -> Future[NDArray[np.float32]]:
        with self._changed:
            while (
                request.lane is Lane.BULK
                and not self._closing
                and self._packer.waiting(Lane.BULK) >= self._bulk_limit
            ):
                self._changed.wait()
            if self._closing:
                request.future.cancel()
            else:
                self._packer.add(request)
                self._changed.notify_all()
        return request.future

    def close(self) -> None:
        """Answer what is waiting, then stop; later requests are cancelled. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._answer(batch)
            except Exception as error:
                log.exception("a batch could not be answered")
                self._give_up(batch, error)
            finally:
                self.batch_began = None
                self.batches += 1
                self.pictures += len(batch)

    def _next(self) -> list[Request]:
        """The next batch; empty when closing and nothing waits."""
        with self._changed:
            while True:
                self._packer.size = self._fitting.value
                ready_in = self._packer.ready_in(time.monotonic())
                if ready_in is None and self._closing:
                    return []
                if ready_in == 0 or (ready_in is not None and self._closing):
                    batch = self._packer.take()
                    self._changed.notify_all()
                    if batch:
                        return batch
                    continue
                self._changed.wait(ready_in)

    @staticmethod
    def _give_up(batch: list[Request], error: Exception) -> None:
        detail = f"its batch ended in {type(error).__name__}"
        for request in batch:
            if not request.future.done():
                request.future.set_exception(ItemFailure(FailureReason.MODEL_ERROR, detail))

    def alive(self) -> bool:
        """Whether the device's thread runs, or has ended because it was asked to."""
        return self._thread.is_alive() or self._closing

    def _answer(self, batch: list[Request]) -> None:
        outcomes = self._embed(batch)
        vectors = [outcome for outcome in outcomes if not isinstance(outcome, ItemFailure)]
        units = iter(_units(vectors))
        for request, outcome in zip(batch, outcomes, strict=True):
            answer = outcome if isinstance(outcome, ItemFailure) else next(units)
            if isinstance(answer, ItemFailure):
                request.future.set_exception(answer)
            else:
                request.future.set_result(answer)

    def _embed(self, batch: list[Request]) -> list[NDArray[np.float32] | ItemFailure]:
        if batch[0].is_text:
            texts = [cast("str", request.payload) for request in batch]
            return Halving(self._timed(self._model.embed_texts), self._fitting)(texts)
        inputs = [cast("Inputs", request.payload) for request in batch]
        return Halving(self._timed(self._model.embed), self._fitting)(inputs)

    def _timed(self, embed: Embed[T]) -> Embed[T]:
        """Note when each call of the model began: a batch that is halved calls it many times."""

        def timed(batch: Sequence[T]) -> NDArray[np.float32]:
            self.batch_began = time.monotonic()
            return embed(batch)

        return timed


def _units(vectors: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32] | ItemFailure]:
    if not vectors:
        return []
    units, usable = l2_normalise(np.stack(vectors).astype(np.float32, copy=False))
    return [
        unit if good else ItemFailure(FailureReason.BAD_VECTOR, "the model gave a zero or non-finite vector")
        for unit, good in zip(units, usable, strict=True)
    ]  # fmt: skip
