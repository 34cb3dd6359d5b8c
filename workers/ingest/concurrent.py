"""The usual way to process a chunk: all its pictures concurrently, each at its own pace, through the shared stages.

    fetch thread -> decoder thread -> batcher -> answering thread -> outcomes

Each stage's thread passes a picture on to the next stage, as long as nothing fails. One thread per chunk (the Celery
task's) runs a small event loop for the rest: it starts fetches, waits if the batcher is full, and decides about
failures; a picture that waits for its retry uses no resources. Waking that thread for every step of every picture would
cost as much as fetching.
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
"""Work for the chunk's own thread."""

_TICK = 0.5
"""Seconds between checks whether to stop."""

_line_up = threading.Lock()
"""Held while a chunk requests its pictures, so that they are queued together. Otherwise chunks that begin at the same time
would all stay half done for long, and none would be recorded."""


@dataclass(slots=True)
class _Picture:
    image: ImageRef
    attempt: int = 0
    in_window: bool = False
    stage: str | None = None  #: Its current stage; None between attempts and at the end.


@dataclass(slots=True)
class ConcurrentChunk:
    """One chunk's event loop; `run` is called once."""

    stages: Stages
    images: list[ImageRef]
    retries: RetryPolicy
    window: (
        int  #: Limit of pictures between the start of their fetch and their entry into the batcher.
    )
    file_root: str | None
    stopped: Callable[[], bool]
    times: StageTimes = field(default_factory=StageTimes)
    outcomes: Outcomes = field(default_factory=Outcomes)
    _mailbox: queue.SimpleQueue[Mail] = field(default_factory=queue.SimpleQueue)
    _waiting: list[tuple[float, int, _Picture]] = field(default_factory=list)
    _embedded: list[EmbeddedPicture] = field(default_factory=list)
    _settled: int = 0  #: Pictures that failed or were deferred.
    _fetching: int = 0  #: Pictures in the window.
    _lock: threading.Lock = field(default_factory=threading.Lock)  #: Guards `_fetching`.
    _ended: bool = False

    def run(self) -> Outcomes:
        """Process all pictures and return their outcomes; after a stop, pictures not yet embedded have none."""
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
        # A copy: pictures embedded after a stop come too late, and the caller reads the list from now on.
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
        """Run a step with a future's result, in the thread that resolves it; failures go to the chunk's own thread.

        A closing stage cancels its futures, and a stopped chunk ignores results: such pictures stay without an outcome.
        """

        def go_on(done: Future[T]) -> None:
            if done.cancelled() or self._ended:
                return
            # Read the exception instead of raising it: raised here, it would reference this frame, which references the
            # future, which references the exception.
            error = done.exception()
            try:
                if error is None:
                    step(picture, done.result())
            except Exception as fault:  # noqa: BLE001 - raised into a stage's thread, it and the picture would be lost
                error = fault
            if error is not None:
                self._post(partial(self._failed, picture, error))

        future.add_done_callback(go_on)

    def _post(self, mail: Mail) -> None:
        self._mailbox.put(mail)
        if self._ended:
            self._throw_mail_away()

    def _throw_mail_away(self) -> None:
        """Drop the mail of a stopped chunk: the pictures in it count against the byte limits and would block other chunks."""
        with suppress(queue.Empty):
            while True:
                self._mailbox.get_nowait()


def _look_again() -> None:
    """Do nothing: this mail only wakes the thread, to start a fetch or to notice that nothing is left."""


def _unforeseen(error: BaseException) -> ItemFailure:
    return ItemFailure(FailureReason.CORRUPT, f"{type(error).__name__} while it was prepared")
