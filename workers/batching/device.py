"""The thread that owns the device: it launches staged batches, and normally does nothing else.

It waits for the device only to limit how much is launched ahead of a possible query. It also embeds failed batches
in parts, because only this thread may call the model.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from workers.batching.batch_queue import Batch, BatchQueue
from workers.batching.in_flight import InFlight
from workers.batching.oom_split import FittingBatchSize, OomSplitter, Outcome
from workers.batching.packer import EmbedRequest
from workers.batching.staging import stage
from workers.batching.stats import BatchStats
from workers.batching.unstaged import UnstagedModel
from workers.models.staged import LaunchedBatch, StagedBatch, StagedModel

log = logging.getLogger(__name__)

SHORT_BATCH = 0.020
"""Bulk batches shorter than this many seconds are launched one ahead. Otherwise the launch overhead would be noticeable,
and a query behind two such batches waits at most 40 ms."""


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch on its way to the answering thread: launched, or already with outcomes."""

    batch: Batch
    result: LaunchedBatch | list[Outcome]
    number: int  #: Its number in `InFlight`, which ends when the batch is answered.
    began: float  #: When it was launched, monotonic seconds.


Sending: TypeAlias = "SimpleQueue[SentBatch | None]"


class DeviceThread:
    """Launches batches in the order in which `BatchQueue` returns them."""

    def __init__(
        self,
        line: BatchQueue,
        model: StagedModel | UnstagedModel,
        sending: Sending,
        *,
        fitting: FittingBatchSize,
        stats: BatchStats,
        under_way: InFlight,
        short_batch: float,
    ) -> None:
        self._line = line
        self._model = model
        self._sending = sending
        self._fitting = fitting
        self._gauge = stats
        self._under_way = under_way
        self._short_batch = short_batch
        self._ahead: deque[LaunchedBatch] = deque()

    def run(self) -> None:
        """Run until the queue is closed and empty."""
        try:
            self._model.enter()
            while True:
                self._wait_for_room()
                next_one = self._line.next_staged()
                if next_one is None:
                    return
                if isinstance(next_one, Batch):
                    self._sending.put(self._send(next_one))
                else:
                    next_one()
        finally:
            self._line.end_device()
            self._sending.put(None)

    def _wait_for_room(self) -> None:
        seconds = self._gauge.bulk_seconds
        allowed = 1 if seconds is not None and seconds < self._short_batch else 0
        while len(self._ahead) > allowed:
            # The answering thread gets the same error when it fetches the vectors, and handles it.
            with contextlib.suppress(Exception):
                self._ahead.popleft().wait()

    def _send(self, batch: Batch) -> SentBatch:
        number, began = self._under_way.begin(), time.monotonic()
        if isinstance(batch.staged, Exception):
            result: LaunchedBatch | list[Outcome] = self._in_parts(batch, batch.staged, number)
        else:
            result = self._launch(batch, batch.staged, number)
        return SentBatch(batch, result, number, began)

    def _launch(
        self, batch: Batch, staged: StagedBatch, number: int
    ) -> LaunchedBatch | list[Outcome]:
        try:
            launched = staged.launch()
        except Exception as error:  # noqa: BLE001 - a model may raise anything on a bad picture
            return self._in_parts(batch, error, number)
        if launched.finished_at is None:
            self._ahead.append(launched)
        self._gauge.launched()
        return launched

    def _in_parts(self, batch: Batch, error: Exception, number: int) -> list[Outcome]:
        # From here on each call of the model is tracked separately: a batch that is halved calls it many times.
        self._under_way.end(number)
        if isinstance(error, MemoryError):
            log.warning("a batch of %d did not fit into the device's memory", len(batch.requests))
        return OomSplitter(self._embed, self._fitting).after(error, batch.requests)

    def _embed(self, requests: Sequence[EmbedRequest]) -> NDArray[np.float32]:
        number = self._under_way.begin()
        try:
            return stage(self._model, list(requests)).launch().vectors()
        finally:
            self._under_way.end(number)
