"""The usual way through a chunk: all its pictures at once, each at its own pace, through the shared stages.

    fetch thread -> decoder's thread -> batcher -> answering thread -> outcomes

A picture that does well goes from stage to stage by itself: each stage's thread hands it on to the next. One thread
a chunk (the Celery task's) runs a small event loop for all else: it starts fetches, waits where the batcher is full, and
decides about failures; a retry waits without holding anything but its place. Waking that thread at every step
of every picture cost as much as fetching them.
"""

from __future__ import annotations

import heapq
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import FailureReason, ImageRef, ItemFailure
from vitrine.telemetry.stage_times import StageTimes
from workers.batching import Lane
from workers.fetch.result import FetchedPicture
from workers.ingest.outcomes import EmbeddedPicture, Outcomes
from workers.ingest.retries import Defer, RetryNow, RetryPolicy
from workers.stages import PreparedPicture, Stages

T = TypeVar("T")
Mail: TypeAlias = Callable[[], None]
"""Something for the chunk's own thread to do."""

_TICK = 0.5
"""Seconds between looks at whether to stop."""

_line_up = threading.Lock()
"""Held while a chunk asks for its pictures, so that they stand in line together: chunks that begin at once would
otherwise all be half done for a long time, and none be written down."""


@dataclass(slots=True)
class _Picture:
    image: ImageRef
    attempt: int = 0
    in_window: bool = False
    stage: str | None = None  #: Where it is; None between two attempts and at its end.


@dataclass(slots=True)
class ConcurrentChunk:
    """One chunk's event loop; `run` is called once."""

    stages: Stages
    images: list[ImageRef]
    retries: RetryPolicy
    window: int  #: Pictures between the start of their fetch and their place before the device.
    file_root: str | None
    stopped: Callable[[], bool]
    times: StageTimes = field(default_factory=StageTimes)
    outcomes: Outcomes = field(default_factory=Outcomes)
    _mailbox: queue.SimpleQueue[Mail] = field(default_factory=queue.SimpleQueue)
    _waiting: list[tuple[float, int, _Picture]] = field(default_factory=list)
    _embedded: list[EmbeddedPicture] = field(default_factory=list)
    _settled: int = 0  #: Pictures that came to another outcome.
    _fetching: int = 0  #: Pictures in the window.
    _lock: threading.Lock = field(default_factory=threading.Lock)  #: For `_fetching`.
    _ended: bool = False

    def run(self) -> Outcomes:
        """Bring every picture to its outcome; on a stop, those not yet embedded are left without one."""
        now = time.monotonic()
        for image in self.images:
            heapq.heappush(self._waiting, (now, image.ordinal, _Picture(image)))
        try:
            while self._open() and not self.stopped():
                self._start_due()
                self._take_mail()
        finally:
            self._ended = True
            self._throw_mail_away()
        # A copy: what is embedded after a stop comes too late, and the list is read from now on.
        self.outcomes.embedded = list(self._embedded)
        return self.outcomes

    def _open(self) -> int:
        return len(self.images) - len(self._embedded) - self._settled

    # --- in the chunk's own thread -------------------------------------------------------------
    def _start_due(self) -> None:
        if not self._waiting or self._fetching >= self.window:
            return
        with _line_up:
            now = time.monotonic()
            while self._waiting and self._fetching < self.window and self._waiting[0][0] <= now:
                self._begin(heapq.heappop(self._waiting)[2])

    def _begin(self, picture: _Picture) -> None:
        picture.attempt += 1
        picture.in_window = True
        with self._lock:
            self._fetching += 1
        self._move(picture, "fetch")
        future = self.stages.fetcher.fetch(picture.image.url, file_root=self.file_root)
        self._then(future, picture, self._decode)

    def _take_mail(self) -> None:
        patience = _TICK
        if self._waiting and self._fetching < self.window:
            patience = min(_TICK, max(0.0, self._waiting[0][0] - time.monotonic()))
        with suppress(queue.Empty):
            self._mailbox.get(timeout=patience)()

    def _wait_for_the_batcher(self, picture: _Picture, prepared: PreparedPicture) -> None:
        future = self.stages.submit(prepared, lane=Lane.BULK)
        self._await_vector(picture, prepared, future)

    def _failed(self, picture: _Picture, error: BaseException) -> None:
        failure = error if isinstance(error, ItemFailure) else _unforeseen(error)
        self._leave_window(picture)
        self._move(picture, None)
        verdict = self.retries.decide(picture.image, failure, picture.attempt)
        match verdict:
            case RetryNow(seconds):
                due = time.monotonic() + seconds
                heapq.heappush(self._waiting, (due, picture.image.ordinal, picture))
                return
            case Defer(seconds):
                self.outcomes.defer(picture.image, seconds)
            case None:
                self.outcomes.fail(picture.image, failure, attempts=picture.attempt)
        self._settled += 1

    # --- in the stages' threads: short, and never blocking -------------------------------------
    def _decode(self, picture: _Picture, fetched: FetchedPicture) -> None:
        self._move(picture, "decode")
        self._then(self.stages.prepare(fetched, lane=Lane.BULK), picture, self._offer)

    def _offer(self, picture: _Picture, prepared: PreparedPicture) -> None:
        self._move(picture, "batch")
        future = self.stages.offer(prepared, lane=Lane.BULK)
        if future is None:
            self._post(partial(self._wait_for_the_batcher, picture, prepared))
        else:
            self._await_vector(picture, prepared, future)

    def _await_vector(
        self, picture: _Picture, prepared: PreparedPicture, future: Future[NDArray[np.float32]]
    ) -> None:
        prepared.hold.release()
        self._leave_window(picture)
        content, etag = prepared.content_sha256, prepared.etag
        self._then(
            future,
            picture,
            lambda picture, vector: self._keep(
                picture, EmbeddedPicture(picture.image, vector, content, etag)
            ),
        )

    def _keep(self, picture: _Picture, embedded: EmbeddedPicture) -> None:
        self._move(picture, None)
        self._embedded.append(embedded)
        if not self._open():
            self._post(_look_again)

    def _move(self, picture: _Picture, stage: str | None) -> None:
        self.times.move(picture.stage, stage)
        picture.stage = stage

    def _leave_window(self, picture: _Picture) -> None:
        if picture.in_window:
            picture.in_window = False
            with self._lock:
                self._fetching -= 1
            if self._waiting:
                self._post(_look_again)

    def _then(
        self, future: Future[T], picture: _Picture, step: Callable[[_Picture, T], None]
    ) -> None:
        """Take a step with what a future brings, in the thread that brings it; the chunk's own takes failures.

        A stage that is closing cancels its futures, and a chunk that was stopped takes nothing more: such a picture stays
        without an outcome.
        """

        def go_on(done: Future[T]) -> None:
            if done.cancelled() or self._ended:
                return
            # Asked for rather than raised: raised here, it would hold this frame, which holds the future, which holds it.
            error = done.exception()
            try:
                if error is None:
                    step(picture, done.result())
            except Exception as fault:  # noqa: BLE001 - raised into a stage's thread, it would be lost, and the picture too
                error = fault
            if error is not None:
                self._post(partial(self._failed, picture, error))

        future.add_done_callback(go_on)

    def _post(self, mail: Mail) -> None:
        self._mailbox.put(mail)
        if self._ended:
            self._throw_mail_away()

    def _throw_mail_away(self) -> None:
        """Let go of what a stopped chunk will not use: its bytes count, and would hold up the other chunks."""
        with suppress(queue.Empty):
            while True:
                self._mailbox.get_nowait()


def _look_again() -> None:
    """Mail that only wakes: there may be a fetch to start, or nothing left to wait for."""


def _unforeseen(error: BaseException) -> ItemFailure:
    return ItemFailure(FailureReason.CORRUPT, f"{type(error).__name__} while it was prepared")
