"""The queue between the batcher's threads, under one lock.

    put -> waiting -> (staging) -> staged, one batch per lane -> (device) -> launched -> (answering) -> futures
                                          failed <-- batches whose vectors could not be fetched --'

Everything is bounded: `put` blocks bulk requests above a number of batches or bytes, one batch per lane is staged
ahead, and the device takes nothing new while `UNANSWERED` batches are unanswered. A staged query is launched before
anything else, and a query that waits for staging holds back bulk until it is staged, so it waits only for the batches
that the device already has. Continuous queries do not starve bulk: a bulk batch that has waited `BULK_MAX_WAIT`
seconds goes next.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from workers.batching.oom_split import FittingBatchSize
from workers.batching.packer import EmbedRequest, Lane, Packer
from workers.models.staged import StagedBatch

BULK_BATCHES = 3
"""Bulk requests that may wait in addition to the staged batch, in batches. Above this, `put` blocks, which slows
decoding and fetching."""
BULK_BYTES = 256 * 1024 * 1024
"""Bytes of waiting bulk requests: four batches of 64 pictures of 576 x 576 pixels in three colours."""
BULK_MAX_WAIT = 2.0
"""Seconds for which queries may overtake a staged bulk batch. Under continuous searching, ingestion still gets one batch
every two seconds, and an occasional search waits for that batch."""
UNANSWERED = 4
"""Limit of batches that are launched but not answered: up to two on the device, the rest in the answering thread."""
Job: TypeAlias = Callable[[], None]
"""Other work for the device's thread; must not raise."""


@dataclass(slots=True, eq=False)
class Batch:
    """Requests that are embedded together: their staged inputs, or the error that staging or embedding raised."""

    requests: list[EmbedRequest]
    staged: StagedBatch | Exception
    since: float = field(default_factory=time.monotonic)  #: When it was staged, monotonic seconds.

    @property
    def lane(self) -> Lane:
        """The lane of all its requests."""
        return self.requests[0].lane


class BatchQueue:
    """Takes requests, forms batches, and hands them to the device's thread."""

    def __init__(
        self,
        fitting: FittingBatchSize,
        *,
        wait: float,
        bulk_bytes: int = BULK_BYTES,
        bulk_patience: float = BULK_MAX_WAIT,
    ) -> None:
        self._fitting = fitting
        self._bulk_patience = bulk_patience
        self._bulk_bytes = bulk_bytes
        self._packer = Packer(size=fitting.value, wait=wait)
        self._staged: dict[Lane, Batch | None] = dict.fromkeys(Lane)
        self._being_staged: Lane | None = None
        self._failed: deque[Batch] = deque()
        self._jobs: deque[Job] = deque()
        self._hungry = False
        self._unanswered = 0
        self._closing = False
        self._staging_ended = False
        self._device_ended = False
        lock = threading.Lock()
        self._room = threading.Condition(lock)  #: Wakes threads that submit.
        self._work = threading.Condition(lock)  #: Wakes the staging thread.
        self._ready = threading.Condition(lock)  #: Wakes the device's thread.

    def put(self, request: EmbedRequest) -> None:
        """Queue a request. Blocks a bulk request while too many wait; cancels the request if the queue is closing."""
        with self._room:
            while request.lane is Lane.BULK and not self._closing and self._full(request.nbytes):
                self._room.wait()
            self._take_in(request)

    def offer(self, request: EmbedRequest) -> bool:
        """Like `put`, but return False instead of blocking."""
        with self._room:
            if request.lane is Lane.BULK and not self._closing and self._full(request.nbytes):
                return False
            self._take_in(request)
            return True

    def _take_in(self, request: EmbedRequest) -> None:
        if self._closing:
            request.future.cancel()
            return
        self._packer.add(request)
        if self._worth_waking(request):
            self._work.notify()

    def _full(self, nbytes: int) -> bool:
        waiting = self._packer.waiting(Lane.BULK)
        too_many = waiting >= self._fitting.value * BULK_BATCHES
        too_big = self._packer.waiting_bytes(Lane.BULK) + nbytes > self._bulk_bytes
        return too_many or (too_big and waiting > 0)

    def _worth_waking(self, request: EmbedRequest) -> bool:
        """Return whether a request may complete a batch; waking a thread for every request would keep the GIL busy."""
        lane = request.lane
        if not self._free(lane):
            return False
        return self._hungry or self._packer.ready_in(lane, request.asked_at, hungry=False) == 0

    def _free(self, lane: Lane) -> bool:
        return self._staged[lane] is None and self._being_staged is not lane

    def next_waiting(self) -> list[EmbedRequest] | None:
        """For staging: wait for a batch that is ready and whose staging slot is free; None at the end."""
        with self._work:
            while True:
                batch, ready_in = self._choose()
                if batch:
                    self._being_staged = batch[0].lane
                    return batch
                if self._device_ended or (self._closing and not len(self._packer)):
                    return None
                self._work.wait(ready_in)

    def _choose(self) -> tuple[list[EmbedRequest], float | None]:
        """Return a batch, or an empty list and the seconds to wait before the next check (None: until woken)."""
        now, soonest = time.monotonic(), threading.TIMEOUT_MAX
        queries, bulk = (self._packer.waiting(lane) for lane in Lane)
        self._packer.size = self._fitting.value
        for lane in Lane:
            if not self._free(lane):
                continue
            ready_in = self._packer.ready_in(lane, now, hungry=self._hungry)
            if ready_in == 0 or (self._closing and ready_in is not None):
                batch = self._packer.take(lane)
                self._room.notify_all()
                if batch:
                    return batch, None
            elif ready_in is not None:
                soonest = min(soonest, ready_in)
        if self._packer.waiting(Lane.BULK) < bulk:
            self._room.notify_all()  # Some were cancelled: no batch was taken, but there is space again.
        if queries and not self._packer.waiting(Lane.QUERY):
            self._ready.notify()  # All were cancelled: the device no longer needs to wait for them.
        return [], soonest if soonest < threading.TIMEOUT_MAX else None

    def put_staged(self, batch: Batch) -> None:
        """For staging: hand over a batch that is ready for the device."""
        with self._ready:
            self._being_staged = None
            self._staged[batch.lane] = batch
            self._ready.notify()

    def end_staging(self) -> None:
        """For staging: report that no more batches will follow."""
        with self._ready:
            self._staging_ended = True
            self._ready.notify()

    def next_staged(self) -> Batch | Job | None:
        """For the device: wait for the next batch, queries first, or another job; None at the end."""
        with self._ready:
            while True:
                found = self._take()
                if found is not None:
                    self._hungry = False
                    return found
                if self._staging_ended and not self._unanswered:
                    return None
                self._hungry = True
                self._work.notify()
                self._ready.wait()

    def end_device(self) -> None:
        """For the device: report that nothing more will be launched."""
        with self._work:
            self._device_ended = True
            self._work.notify()

    def _take(self) -> Batch | Job | None:
        if self._jobs:
            return self._jobs.popleft()
        if self._unanswered >= UNANSWERED:
            return None
        batch = self._take_overdue() or self._take_staged(Lane.QUERY)
        if batch is None and self._failed:
            batch = self._failed.popleft()
        if batch is None and not self._query_is_coming():
            batch = self._take_staged(Lane.BULK)
        if batch is not None:
            self._unanswered += 1
        return batch

    def _take_overdue(self) -> Batch | None:
        """Take a failed or bulk batch that queries have overtaken for long enough."""
        latest = time.monotonic() - self._bulk_patience
        if self._failed and self._failed[0].since < latest:
            return self._failed.popleft()
        bulk = self._staged[Lane.BULK]
        return self._take_staged(Lane.BULK) if bulk is not None and bulk.since < latest else None

    def _query_is_coming(self) -> bool:
        """Return whether a query is about to be staged. Waiting a millisecond for it is worthwhile, because a bulk
        batch launched now would delay it by that batch's full duration.
        """
        if self._staging_ended:
            return False
        return self._being_staged is Lane.QUERY or self._packer.waiting(Lane.QUERY) > 0

    def _take_staged(self, lane: Lane) -> Batch | None:
        batch, self._staged[lane] = self._staged[lane], None
        if batch is not None:
            self._work.notify()
        return batch

    def put_job(self, job: Job) -> None:
        """Let the device's thread run a job between two batches."""
        with self._ready:
            self._jobs.append(job)
            self._ready.notify()

    def answered(self, *, again: Batch | None = None) -> None:
        """For answering: report that a batch is done, or pass it as `again` to be embedded in parts."""
        with self._ready:
            self._unanswered -= 1
            if again is not None:
                self._failed.append(again)
            self._ready.notify()

    def close(self) -> None:
        """Accept no more requests; those already waiting are still processed."""
        with self._room:
            self._closing = True
            self._room.notify_all()
            self._work.notify_all()
