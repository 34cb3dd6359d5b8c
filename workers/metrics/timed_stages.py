"""The fetcher and the decoders with a clock beside them; what they do is the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from workers.batching import Lane
from workers.fetch.result import FetchedPicture
from workers.images.decode_cost import DecodeCost
from workers.images.decode_pool import DecodePool
from workers.metrics.worker_metrics import WorkerMetrics
from workers.stages import PictureSource

T = TypeVar("T")


class TimedSource:
    """A source of pictures whose seconds and bytes are counted; a wait for the host's turn counts as fetching."""

    def __init__(self, source: PictureSource, metrics: WorkerMetrics) -> None:
        self._source = source
        self._seconds = metrics.stages.labels("fetch")
        self._fetched = metrics.fetched

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        """As the source does."""
        began = time.perf_counter()
        future = self._source.fetch(url, file_root=file_root)
        future.add_done_callback(lambda done: self._ended(done, began))
        return future

    def _ended(self, done: Future[FetchedPicture], began: float) -> None:
        if done.cancelled():
            return
        self._seconds.observe(time.perf_counter() - began)
        if done.exception() is None:
            self._fetched(len(done.result().data))

    def close(self) -> None:
        """As the source does."""
        self._source.close()


class TimedDecodePool(DecodePool):
    """Decoders that time each picture from its turn on: decoding and resizing, not the wait before."""

    def __init__(self, *arguments: Any, metrics: WorkerMetrics, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds = metrics.stages.labels("decode")

    def submit(self, work: Callable[[], T], burden: DecodeCost, *, lane: Lane) -> Future[T]:
        """As the decoders do."""

        def timed() -> T:
            began = time.perf_counter()
            try:
                return work()
            finally:
                self._seconds.observe(time.perf_counter() - began)

        return super().submit(timed, burden, lane=lane)
