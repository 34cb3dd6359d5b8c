"""The staging thread: gathers the next batch while the device works on the previous one.

It uses no OpenMP pool. On a CPU, a second pool next to that of the device's thread would mean more threads than cores.
OpenMP's threads then sleep between parallel regions, and each of the hundreds in a forward pass would have to wake them.
"""

from __future__ import annotations

from typing import cast

from workers.batching.batch_queue import Batch, BatchQueue
from workers.batching.in_flight import InFlight
from workers.batching.packer import EmbedRequest
from workers.batching.unstaged import UnstagedModel
from workers.models.base import Inputs
from workers.models.staged import StagedBatch, StagedModel
from workers.models.threads import single_threaded


def stage(model: StagedModel | UnstagedModel, requests: list[EmbedRequest]) -> StagedBatch:
    """Stage requests that are all pictures or all texts; raises if they do not fit together."""
    if requests[0].is_text:
        return model.stage_texts([cast("str", request.payload) for request in requests])
    return model.stage([cast("Inputs", request.payload) for request in requests])


class StagingThread:
    """Takes packed batches and copies their inputs to where the device reads them."""

    def __init__(
        self, line: BatchQueue, model: StagedModel | UnstagedModel, under_way: InFlight
    ) -> None:
        self._line = line
        self._model = model
        self._under_way = under_way

    def run(self) -> None:
        """Run until the queue is closed and empty."""
        single_threaded()
        try:
            while (requests := self._line.next_waiting()) is not None:
                self._line.put_staged(self._staged(requests))
        finally:
            self._line.end_staging()

    def _staged(self, requests: list[EmbedRequest]) -> Batch:
        began = self._under_way.begin()
        try:
            return Batch(requests, stage(self._model, requests))
        except Exception as error:  # noqa: BLE001 - such as a picture of another shape; the device's thread isolates it
            return Batch(requests, error)
        finally:
            self._under_way.end(began)
