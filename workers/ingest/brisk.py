"""The usual way through a chunk: all its pictures at once, each at its own pace, through the shared stages.

One thread (the Celery task's) runs a small event loop for the chunk: what the stages finish arrives in its
mailbox, and it decides what happens next to that picture. So one slow host delays nobody, and a retry
waits without holding anything but its place. Only from the fetcher to the decoders a picture goes by itself: there is
nothing to decide, and waking this thread for it costs more than the step.
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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.contracts import FailureReason, ImageRef, ItemFailure
from workers.batching import Lane
from workers.fetch.fetched import Fetched
from workers.ingest.outcomes import Embedded, Outcomes
from workers.ingest.retries import Later, RetryPolicy, Soon
from workers.stages import Prepared, Stages

_TICK = 0.5
"""Seconds between looks at whether to stop."""

_line_up = threading.Lock()
"""Held while a chunk asks for its pictures, so that they stand in line together: chunks that begin at once would
otherwise all be half done for a long time, and none be written down."""


@dataclass(slots=True)
class _Picture:
    image: ImageRef
    attempt: int = 0
    prepared: Prepared | None = None


@dataclass(slots=True)
class Brisk:
    """One chunk's event loop; `run` is called once."""

    stages: Stages
    images: list[ImageRef]
    retries: RetryPolicy
    window: int  #: Pictures between the start of their fetch and their place before the device.
    file_root: str | None
    stopped: Callable[[], bool]
    outcomes: Outcomes = field(default_factory=Outcomes)
    _mailbox: queue.SimpleQueue[tuple[Callable[[_Picture, Any], None], _Picture, Future[Any]]] = (
        field(default_factory=queue.SimpleQueue)
    )
    _waiting: list[tuple[float, int, _Picture]] = field(default_factory=list)
    _fetching: int = 0
    _open: int = 0
    _ended: bool = False

    def run(self) -> Outcomes:
        """Bring every picture to its outcome; on a stop, those not yet embedded are left without one."""
        now = time.monotonic()
        self._open = len(self.images)
        for image in self.images:
            heapq.heappush(self._waiting, (now, image.ordinal, _Picture(image)))
        try:
            while self._open and not self.stopped():
                self._start_due()
                self._take_mail()
        finally:
            self._ended = True
            self._throw_mail_away()
        return self.outcomes

    def _start_due(self) -> None:
        if not self._waiting or self._fetching >= self.window:
            return
        with _line_up:
            now = time.monotonic()
            while self._waiting and self._fetching < self.window and self._waiting[0][0] <= now:
                self._begin(heapq.heappop(self._waiting)[2])

    def _begin(self, picture: _Picture) -> None:
        picture.attempt += 1
        self._fetching += 1
        future = self.stages.fetcher.fetch(picture.image.url, file_root=self.file_root)
        future.add_done_callback(lambda fetch: self._fetched(picture, fetch))

    def _fetched(self, picture: _Picture, fetch: Future[Fetched]) -> None:
        """Hand a fetched picture on to the decoders; in the fetch thread."""
        if fetch.cancelled() or fetch.exception() is not None:
            self._post(self._prepared, picture, fetch)
            return
        try:
            future = self.stages.prepare(fetch.result(), lane=Lane.BULK)
        except Exception as error:  # noqa: BLE001 - raised into the fetch thread, it would be lost, and the picture too
            future = Future()
            future.set_exception(error)
        self._then(future, self._prepared, picture)

    def _take_mail(self) -> None:
        patience = _TICK
        if self._waiting and self._fetching < self.window:
            patience = min(_TICK, max(0.0, self._waiting[0][0] - time.monotonic()))
        try:
            handler, picture, future = self._mailbox.get(timeout=patience)
        except queue.Empty:
            return
        if future.cancelled():
            return  # A stage is closing: the picture stays without an outcome.
        # Asked for rather than raised: raised here, it would hold this frame, which holds the future, which holds it.
        error = future.exception()
        if error is None:
            handler(picture, future.result())
        elif isinstance(error, ItemFailure):
            self._failed(picture, error)
        else:
            detail = f"{type(error).__name__} while it was prepared"
            self._failed(picture, ItemFailure(FailureReason.CORRUPT, detail))

    def _then(
        self, future: Future[Any], handler: Callable[[_Picture, Any], None], picture: _Picture
    ) -> None:
        future.add_done_callback(lambda done: self._post(handler, picture, done))

    def _post(
        self, handler: Callable[[_Picture, Any], None], picture: _Picture, done: Future[Any]
    ) -> None:
        self._mailbox.put((handler, picture, done))
        if self._ended:
            self._throw_mail_away()

    def _throw_mail_away(self) -> None:
        """Let go of what a stopped chunk will not use: its bytes count, and would hold up the other chunks."""
        with suppress(queue.Empty):
            while True:
                self._mailbox.get_nowait()

    def _prepared(self, picture: _Picture, prepared: Prepared) -> None:
        picture.prepared = prepared
        future = self.stages.batcher.submit(prepared.inputs, lane=Lane.BULK)
        # Only now: what is decoded waits here where the batcher is full, and counts as long as it does.
        prepared.hold.release()
        self._fetching -= 1
        self._then(future, self._embedded, picture)

    def _embedded(self, picture: _Picture, vector: NDArray[np.float32]) -> None:
        prepared = picture.prepared
        if prepared is not None:
            self.outcomes.embedded.append(
                Embedded(picture.image, vector, prepared.content_sha256, prepared.etag)
            )
        self._open -= 1

    def _failed(self, picture: _Picture, failure: ItemFailure) -> None:
        if picture.prepared is None:
            self._fetching -= 1
        verdict = self.retries.decide(picture.image, failure, picture.attempt)
        match verdict:
            case Soon(seconds):
                due = time.monotonic() + seconds
                heapq.heappush(self._waiting, (due, picture.image.ordinal, picture))
                return
            case Later(seconds):
                self.outcomes.put_off(picture.image, seconds)
            case None:
                self.outcomes.fail(picture.image, failure, attempts=picture.attempt)
        self._open -= 1
