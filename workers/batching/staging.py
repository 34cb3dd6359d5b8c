"""The staging thread: gathers the next batch while the device is at the one before.

It works alone. On a CPU its pool beside that of the device's thread would be more threads than cores, and OpenMP's threads
then sleep between two parallel regions: the hundreds of a forward pass would each begin with waking one.
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
    """Gather requests that are all pictures or all texts; raises where they do not go together."""
    if requests[0].is_text:
        return model.stage_texts([cast("str", request.payload) for request in requests])
    return model.stage([cast("Inputs", request.payload) for request in requests])


class StagingThread:
    """Takes batches as they are packed and copies their inputs to where the device reads them."""

    def __init__(
        self, line: BatchQueue, model: StagedModel | UnstagedModel, under_way: InFlight
    ) -> None:
        self._line = line
        self._model = model
        self._under_way = under_way

    def run(self) -> None:
        """Until there is no more."""
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
        except Exception as error:  # noqa: BLE001 - one picture of another shape; the device's thread finds it
            return Batch(requests, error)
        finally:
            self._under_way.end(began)
