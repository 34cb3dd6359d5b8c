"""Wrappers that time the fetcher and the decoders without changing what they do."""

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
    """A picture source whose seconds and bytes are counted; waiting in the host's queue counts as fetching."""

    def __init__(self, source: PictureSource, metrics: WorkerMetrics) -> None:
        self._source = source
        self._seconds = metrics.stages.labels("fetch")
        self._fetched = metrics.fetched

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        """Fetch through the wrapped source, and time it."""
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
        """Close the wrapped source."""
        self._source.close()


class TimedDecodePool(DecodePool):
    """Decoders that time each picture's decoding and preprocessing, without the wait before it."""

    def __init__(self, *arguments: Any, metrics: WorkerMetrics, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds = metrics.stages.labels("decode")

    def submit(self, work: Callable[[], T], burden: DecodeCost, *, lane: Lane) -> Future[T]:
        """Submit the work to the decoders, and time it."""

        def timed() -> T:
            began = time.perf_counter()
            try:
                return work()
            finally:
                self._seconds.observe(time.perf_counter() - began)

        return super().submit(timed, burden, lane=lane)
