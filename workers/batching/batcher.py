"""The batcher takes requests from any thread and runs three threads of its own, so that the device is never idle.

    staging    gathers and stages the next batch                (see `staging`)
    device     launches it; only this thread calls the device   (see `device`)
    answering  waits for the vectors and resolves the futures   (see `completion`)

None of them waits for the network, the disk or a decoder.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import ModelUnavailable
from workers.batching.batch_queue import BULK_BYTES, BatchQueue
from workers.batching.completion import CompletionThread
from workers.batching.device import SHORT_BATCH, DeviceThread, Sending
from workers.batching.in_flight import InFlight
from workers.batching.oom_split import FittingBatchSize
from workers.batching.packer import EmbedRequest, Lane
from workers.batching.staging import StagingThread
from workers.batching.stats import BatchStats
from workers.batching.unstaged import as_staged_model
from workers.models.base import EmbeddingModel, Inputs
from workers.models.staged import DeviceLost

log = logging.getLogger(__name__)

R = TypeVar("R")
_DEVICE = "device"
_LOOK_EVERY = 1.0
"""Seconds between checks that the device's thread is still alive while a job waits for it."""


class Batcher:
    """Batches requests from any thread for one device. Thread-safe."""

    def __init__(
        self,
        model: EmbeddingModel,
        *,
        size: int,
        wait: float,
        bulk_bytes: int = BULK_BYTES,
        short_batch: float = SHORT_BATCH,
    ) -> None:
        """Aim for `size` requests per batch; an incomplete bulk batch waits up to `wait` seconds for more."""
        self.stats = BatchStats()  #: Its own statistics.
        self._fitting = FittingBatchSize(size)
        self._line = BatchQueue(self._fitting, wait=wait, bulk_bytes=bulk_bytes)
        self._under_way = InFlight()
        self._closing = False
        self._threads = self._made_threads(model, short_batch)

    def _made_threads(
        self, model: EmbeddingModel, short_batch: float
    ) -> dict[str, threading.Thread]:
        steps = as_staged_model(model)
        sending: Sending = SimpleQueue()
        device = DeviceThread(
            self._line,
            steps,
            sending,
            fitting=self._fitting,
            stats=self.stats,
            under_way=self._under_way,
            short_batch=short_batch,
        )
        answering = CompletionThread(
            self._line,
            sending,
            fitting=self._fitting,
            stats=self.stats,
            under_way=self._under_way,
        )
        parts = {
            "staging": StagingThread(self._line, steps, self._under_way).run,
            _DEVICE: device.run,
            "answering": answering.run,
        }
        return {
            name: threading.Thread(target=_to_the_end, args=(run,), name=name, daemon=True)
            for name, run in parts.items()
        }

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads.values():
            thread.start()

    @property
    def batch_began(self) -> float | None:
        """When the oldest batch that is being staged or embedded began, in monotonic seconds; None while idle."""
        return self._under_way.since()

    @property
    def batches(self) -> int:
        """Batches answered so far."""
        return self.stats.batches

    @property
    def pictures(self) -> int:
        """Requests answered so far."""
        return self.stats.pictures

    @property
    def size(self) -> int:
        """Pictures per batch, reduced if that many do not fit into the device's memory."""
        return self._fitting.value

    def resize(self, size: int) -> None:
        """Aim for batches of `size`."""
        self._fitting.want(size)

    def submit(
        self, inputs: Inputs, *, lane: Lane, alone: bool = False
    ) -> Future[NDArray[np.float32]]:
        """Request a picture's unit vector; blocks a bulk request while too many requests or bytes wait.

        The future raises `ItemFailure` if the picture has no vector. With `alone`, it is embedded in its own batch.
        """
        return self._put(EmbedRequest(inputs, lane, time.monotonic(), alone))

    def offer(self, inputs: Inputs, *, lane: Lane) -> Future[NDArray[np.float32]] | None:
        """Like `submit`, but return None instead of blocking; for threads that must not wait."""
        request = EmbedRequest(inputs, lane, time.monotonic())
        return request.future if self._line.offer(request) else None

    def submit_text(self, text: str) -> Future[NDArray[np.float32]]:
        """Request a text's unit vector, in the query lane."""
        return self._put(EmbedRequest(text, Lane.QUERY, time.monotonic()))

    def _put(self, request: EmbedRequest) -> Future[NDArray[np.float32]]:
        self._line.put(request)
        return request.future

    def on_device(self, job: Callable[[], R]) -> R:
        """Run a job in the device's thread, between two batches, and return its result; raises what the job raises.

        Raises `ModelUnavailable` if that thread has ended or the device is lost.
        """
        future: Future[R] = Future()

        def run() -> None:
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for the job
                future.set_exception(error)

        self._line.put_job(run)
        while not futures.wait([future], _LOOK_EVERY).done:
            if not self._threads[_DEVICE].is_alive():
                raise ModelUnavailable(
                    "The device's thread has ended.", hint="See the worker's log."
                )
        try:
            return future.result()
        except DeviceLost as error:
            raise ModelUnavailable(f"The device failed: {error}") from error

    def close(self) -> None:
        """Answer the waiting requests, then stop; later requests are cancelled. Safe to call twice."""
        self._closing = True
        self._line.close()
        for thread in self._threads.values():
            if thread.is_alive():
                thread.join()

    def alive(self) -> bool:
        """Return whether all threads run, or have ended because of `close`."""
        return self._closing or all(thread.is_alive() for thread in self._threads.values())


def _to_the_end(run: Callable[[], None]) -> None:
    """Run one of the threads and log the error that ended it, if any; the watchdog learns of it from `Batcher.alive`."""
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - nobody else would catch and log it
        name = threading.current_thread().name
        log.critical("the %s thread ended: %s: %s", name, type(error).__name__, error)
