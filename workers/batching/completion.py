"""The answering thread: waits for vectors, scales them to unit length, and resolves the requests' futures."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import FailureReason, ItemFailure
from workers.batching.batch_queue import Batch, BatchQueue
from workers.batching.device import Sending, SentBatch
from workers.batching.in_flight import InFlight
from workers.batching.oom_split import FittingBatchSize, Outcome, outcomes
from workers.batching.packer import Lane
from workers.batching.stats import BatchStats
from workers.models.staged import LaunchedBatch
from workers.normalize import l2_normalise

log = logging.getLogger(__name__)


class CompletionThread:
    """Answers every batch that was sent; each request is answered exactly once."""

    def __init__(
        self,
        line: BatchQueue,
        sending: Sending,
        *,
        fitting: FittingBatchSize,
        stats: BatchStats,
        under_way: InFlight,
    ) -> None:
        self._line = line
        self._sending = sending
        self._fitting = fitting
        self._gauge = stats
        self._under_way = under_way

    def run(self) -> None:
        """Run until the device's thread reports the end."""
        while (sent := self._sending.get()) is not None:
            again = None
            try:
                again = self._answer(sent)
            except Exception as error:
                log.exception("the results of a batch could not be delivered")
                _give_up(sent.batch, error)
            finally:
                self._under_way.end(sent.number)
                if again is None:
                    self._gauge.answered(
                        len(sent.batch.requests), bulk=sent.batch.lane is Lane.BULK
                    )
                self._line.answered(again=again)

    def _answer(self, sent: SentBatch) -> Batch | None:
        """Resolve the batch's futures, or return the batch if it failed as a whole on the device."""
        if isinstance(sent.result, list):
            _resolve(sent.batch, _units(sent.result))
            return None
        try:
            vectors = self._fetched(sent, sent.result)
        except Exception as error:  # noqa: BLE001 - a model may raise anything on a bad picture
            return Batch(sent.batch.requests, error)
        self._fitting.fitted(len(sent.batch.requests))
        _resolve(sent.batch, _units(outcomes(vectors, len(sent.batch.requests))))
        return None

    def _fetched(self, sent: SentBatch, launched: LaunchedBatch) -> NDArray[np.float32]:
        launched.wait()
        finished = launched.finished_at or time.monotonic()
        self._gauge.finished(sent.began, finished, bulk=sent.batch.lane is Lane.BULK)
        return launched.vectors()


def _units(found: Sequence[Outcome]) -> list[Outcome]:
    """Replace the model's vectors by unit vectors, and zero or non-finite ones by a failure."""
    vectors = [one for one in found if not isinstance(one, ItemFailure)]
    if not vectors:
        return list(found)
    units, usable = l2_normalise(np.stack(vectors).astype(np.float32, copy=False))
    answers = iter(
        unit if good else ItemFailure(FailureReason.BAD_VECTOR, "the model returned a zero or non-finite vector")
        for unit, good in zip(units, usable, strict=True)
    )  # fmt: skip
    return [one if isinstance(one, ItemFailure) else next(answers) for one in found]


def _resolve(batch: Batch, answers: Sequence[Outcome]) -> None:
    for request, answer in zip(batch.requests, answers, strict=True):
        if isinstance(answer, ItemFailure):
            request.future.set_exception(answer)
        else:
            request.future.set_result(answer)


def _give_up(batch: Batch, error: Exception) -> None:
    detail = f"its batch ended in {type(error).__name__}"
    for request in batch.requests:
        if not request.future.done():
            request.future.set_exception(ItemFailure(FailureReason.MODEL_ERROR, detail))
