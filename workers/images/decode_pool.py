"""The decoder threads: one per core, fed by `DecodeScheduler`. Decoding releases the GIL, so threads scale.

All decoding in the process happens here, for queries and bulk alike. If sixty-four queries each decoded in their own
thread, they would share the cores with each other and with bulk, and all of them would finish late.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from vitrine.core.settings import MEBIBYTE
from vitrine.process.cores import usable_cores
from workers.batching import Lane
from workers.byte_budget import ByteBudget
from workers.images.decode_cost import DecodeCost
from workers.images.decode_scheduler import DecodeScheduler
from workers.tracebacks import without_traceback

T = TypeVar("T")
log = logging.getLogger(__name__)

NICENESS = 5
"""The niceness of decoder threads (nice(1)), so that the device's thread, which needs a core only briefly, gets it sooner.
Chosen by reasoning: three short runs each at 0, 5 and 10 on two busy cores overlapped too much to tell them apart."""
AHEAD_BYTES = 16 * MEBIBYTE
"""Limit of inputs decoded before the batcher can take them: 100 of 224 x 224 pixels, 5 of the largest that models take. The
batcher's queue is what keeps the device busy; more than this only interleaves chunks that could finish one after another."""


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    """Work to run, and the future for its result."""

    work: Callable[[], T]
    future: Future[T] = field(default_factory=Future)

    def run(self) -> None:
        """Run the work, unless its future was cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for the future
            self.future.set_exception(without_traceback(error))


class DecodePool:
    """The pool of decoder threads. Thread-safe; `threads` of 0 means one per usable core.

    `begin_thread` runs first in each thread. `budget` limits the memory of pictures being decoded, `ahead` that of
    decoded pictures that wait for the batcher (`decoded`), above which no bulk picture is started; both are in bytes.
    """

    def __init__(
        self,
        threads: int = 0,
        *,
        budget: int,
        ahead: int = AHEAD_BYTES,
        begin_thread: Callable[[], object] = lambda: None,
    ) -> None:
        count = threads or usable_cores()
        self.decoded = ByteBudget(ahead, self._wake)
        self._turns: DecodeScheduler[_Job[Any]] = DecodeScheduler(
            count, budget=budget, bulk_may_go=lambda: self.decoded.has_room(1)
        )
        self._begin_thread = begin_thread
        self._changed = threading.Condition()
        self._closing = False
        # One extra thread: the scheduler uses it for a light picture when heavy ones occupy all others.
        self._threads = [
            threading.Thread(target=self._run, name=f"decode-{number}", daemon=True)
            for number in range(count + 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], T], burden: DecodeCost, *, lane: Lane) -> Future[T]:
        """Queue `work` for a picture of the given cost; the future is cancelled if the pool is closing."""
        job = _Job(work)
        with self._changed:
            if self._closing:
                job.future.cancel()
            else:
                self._turns.add(job, burden, lane=lane)
                self._wake_one()
        return job.future

    def close(self) -> None:
        """Cancel waiting jobs and wait for running ones. Safe to call twice."""
        with self._changed:
            self._closing = True
            waiting = list(self._turns.drain())
            self._changed.notify_all()
        for job in waiting:
            job.future.cancel()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            lower_priority()
            self._begin_thread()
        except Exception:
            log.exception("a decoder thread's priority could not be set; it still works")
        while self._run_one():
            pass

    def _run_one(self) -> bool:
        """Wait for the next picture and decode it; return False once the pool is closing."""
        with self._changed:
            while (turn := self._turns.next()) is None:
                if self._closing:
                    return False
                self._changed.wait()
            self._wake_one()
        turn.job.run()
        with self._changed:
            self._turns.done(turn)
        return True

    def _wake(self) -> None:
        with self._changed:
            self._wake_one()

    def _wake_one(self) -> None:
        # Wake a thread only if there is work; it wakes the next one if there is more.
        if self._turns.ready():
            self._changed.notify()


def lower_priority() -> None:
    """Lower this thread's priority on Linux, where each thread has its own niceness (sched(7))."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
