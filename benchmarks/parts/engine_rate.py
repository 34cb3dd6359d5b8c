"""Throughput of the engine in this process: pictures per second from ready inputs and from JPEG bytes.

The engine is what a worker has between its fetcher and its store: decoders, batcher, model; no Redis, HTTP or store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import cores
from workers.batching import Batcher, Lane
from workers.image_decoder import ImageDecoder
from workers.images.decode_cost import DecodeCost
from workers.images.decode_pool import DecodePool
from workers.models.base import EmbeddingModel, Inputs
from workers.models.threads import single_threaded

Vector = Future[NDArray[np.float32]]
Result = TypeVar("Result")
MAX_PIXELS = 50_000_000
_DECODE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Rate:
    """Results of one run."""

    pictures_per_s: float
    busy: float  #: Share of the time in which the device had a batch.


class Engine:
    """A model behind a running batcher and one decoder thread per core."""

    def __init__(self, model: EmbeddingModel, batcher: Batcher) -> None:
        self._model = model
        self._batcher = batcher
        self._decode = ImageDecoder(MAX_PIXELS)

    def from_inputs(self, inputs: Inputs, *, pictures: int) -> Rate:
        """Embed the same inputs `pictures` times."""

        def run() -> None:
            vectors = [self._batcher.submit(inputs, lane=Lane.BULK) for _ in range(pictures)]
            wait(vectors)
            vectors[-1].result()

        return self._timed(run, pictures)

    def from_jpegs(self, jpegs: Sequence[bytes], *, pictures: int) -> Rate:
        """Decode, scale and embed `pictures` pictures, cycling through those given."""

        def run() -> None:
            vectors = self._decoded(jpegs, pictures, self._submitted)
            wait(vectors)
            vectors[-1].result()

        return self._timed(run, pictures)

    def inputs_only(self, jpegs: Sequence[bytes], *, pictures: int) -> float:
        """Return the pictures per second that all cores can decode and scale, without a device to feed."""
        began = time.perf_counter()
        self._decoded(jpegs, pictures, self.inputs)
        return pictures / (time.perf_counter() - began)

    def _decoded(
        self, jpegs: Sequence[bytes], pictures: int, work: Callable[[bytes], Result]
    ) -> list[Result]:
        with closing(
            DecodePool(cores(), budget=_DECODE_BYTES, begin_thread=single_threaded)
        ) as pool:
            turns = [
                pool.submit(
                    partial(work, jpegs[number % len(jpegs)]), DecodeCost(1, 4), lane=Lane.BULK
                )
                for number in range(pictures)
            ]
            return [turn.result() for turn in turns]

    def inputs(self, jpeg: bytes) -> Inputs:
        """Return one picture's inputs."""
        return self._model.preprocess(self._decode(jpeg))

    def _submitted(self, jpeg: bytes) -> Vector:
        return self._batcher.submit(self.inputs(jpeg), lane=Lane.BULK)

    def _timed(self, run: Callable[[], None], pictures: int) -> Rate:
        began, busy = time.perf_counter(), self._batcher.stats.busy_seconds
        run()
        taken = time.perf_counter() - began
        return Rate(pictures / taken, (self._batcher.stats.busy_seconds - busy) / taken)
