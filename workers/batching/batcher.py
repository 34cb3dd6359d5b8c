"""The batcher: requests from any thread, three threads of its own, so that the device is never idle.

    staging    gathers the next batch          (see `staging`)
    device     launches it, the only caller    (see `device`)
    answering  waits for vectors, answers      (see `answering`)

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
"""Seconds between two looks at whether the thread that shall do a job still lives."""


class Batcher:
    """Requests from any thread, one thread for the device."""

    def __init__(
        self,
        model: EmbeddingModel,
        *,
        size: int,
        wait: float,
        bulk_bytes: int = BULK_BYTES,
        short_batch: float = SHORT_BATCH,
    ) -> None:
        """`size` requests a batch, of which an incomplete one waits `wait` seconds for company."""
        self.stats = BatchStats()  #: What it counts of itself.
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
        """When the oldest batch that the device (or what feeds it) is at began, monotonic seconds; None while idle."""
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
        """Pictures a batch, as far as they fit."""
        return self._fitting.value

    def resize(self, size: int) -> None:
        """Aim for batches of `size`."""
        self._fitting.want(size)

    def submit(
        self, inputs: Inputs, *, lane: Lane, alone: bool = False
    ) -> Future[NDArray[np.float32]]:
        """Ask for a picture's unit vector; blocks a bulk request while too many, or too many bytes, wait.

        The future raises `ItemFailure` where the picture has no vector.
        """
        return self._put(EmbedRequest(inputs, lane, time.monotonic(), alone))

    def offer(self, inputs: Inputs, *, lane: Lane) -> Future[NDArray[np.float32]] | None:
        """As `submit`, but None where it would block: for threads that others wait for."""
        request = EmbedRequest(inputs, lane, time.monotonic())
        return request.future if self._line.offer(request) else None

    def submit_text(self, text: str) -> Future[NDArray[np.float32]]:
        """Ask for a text's unit vector, in the query lane."""
        return self._put(EmbedRequest(text, Lane.QUERY, time.monotonic()))

    def _put(self, request: EmbedRequest) -> Future[NDArray[np.float32]]:
        self._line.put(request)
        return request.future

    def on_device(self, job: Callable[[], R]) -> R:
        """Do something in the device's thread, between two batches, and wait for it; raises what it raises.

        Raises `ModelUnavailable` where that thread has ended or the device is lost.
        """
        future: Future[R] = Future()

        def run() -> None:
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it belongs to who waits for the job
                future.set_exception(error)

        self._line.put_job(run)
        while not futures.wait([future], _LOOK_EVERY).done:
            if not self._threads[_DEVICE].is_alive():
                raise ModelUnavailable(
                    "The device's thread has ended.", hint="The worker's log says why."
                )
        try:
            return future.result()
        except DeviceLost as error:
            raise ModelUnavailable(f"The device failed: {error}") from error

    def close(self) -> None:
        """Answer what is waiting, then stop; later requests are cancelled. Safe to call twice."""
        self._closing = True
        self._line.close()
        for thread in self._threads.values():
            if thread.is_alive():
                thread.join()

    def alive(self) -> bool:
        """Whether its threads run, or have ended because they were asked to."""
        return self._closing or all(thread.is_alive() for thread in self._threads.values())


def _to_the_end(run: Callable[[], None]) -> None:
    """Run a part, and log why it ended if it was not asked to; `Batcher.alive` tells the watchdog."""
    try:
        run()
    except BaseException as error:  # noqa: BLE001 - the last to hear of it
        name = threading.current_thread().name
        log.critical("the %s thread ended: %s: %s", name, type(error).__name__, error)
