"""The decoders' threads: one a core, fed by `DecodeScheduler`. Decoding lets go of the GIL, so threads scale.

Every decode of the process runs here, queries and bulk alike: sixty-four askers who decoded for themselves would
share the cores with each other and with the bulk, and all of them would wait for the last.
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
"""How far decoding stands back (nice(1)): the device's thread, which needs a core for moments, gets it sooner. Three short
runs each at 0, 5 and 10 on two busy cores overlapped too far to tell them apart: chosen by reason, not by measurement."""
AHEAD_BYTES = 16 * MEBIBYTE
"""Inputs decoded before the batcher has room for them: 100 of 224 x 224 pixels, 5 of the largest that models take. The
batcher's own line is what keeps the device busy; more than this only mixes chunks that could be done one after another."""


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    """What to run, and where its outcome goes."""

    work: Callable[[], T]
    future: Future[T] = field(default_factory=Future)

    def run(self) -> None:
        """Run it, unless nobody wants it any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.work())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the future
            self.future.set_exception(without_traceback(error))


class DecodePool:
    """A pool that decodes in turns. Thread-safe; `threads` of 0 means one for each core it may use.

    `begin_thread` runs first in each thread. `budget` bounds what pictures take while they are decoded, `ahead`
    what came of bulk ones and waits for the batcher (`decoded`), both in bytes.
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
        # One more: the turns let a light picture go where heavy ones hold all the others.
        self._threads = [
            threading.Thread(target=self._run, name=f"decode-{number}", daemon=True)
            for number in range(count + 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], T], burden: DecodeCost, *, lane: Lane) -> Future[T]:
        """Run `work` for a picture of that burden when its turn comes; cancelled once the pool is closing."""
        job = _Job(work)
        with self._changed:
            if self._closing:
                job.future.cancel()
            else:
                self._turns.add(job, burden, lane=lane)
                self._wake_one()
        return job.future

    def close(self) -> None:
        """Cancel what waits, let what runs end. Safe to call twice."""
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
            log.exception("a decoder's thread could not be set up; it works all the same")
        while self._run_one():
            pass

    def _run_one(self) -> bool:
        """Wait for a turn and use it; False once the pool is closing."""
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
        # A thread that wakes wakes the next if there is more to do; woken for nothing, it would only cost.
        if self._turns.ready():
            self._changed.notify()


def lower_priority() -> None:
    """Make this thread a nicer one, where a thread has a niceness of its own (Linux: sched(7))."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
