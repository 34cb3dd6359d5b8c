"""Server-sent event streams: limited in number, and ended when the service stops.

Each open stream queries the ledger once per second in a small dedicated thread pool, so that a Redis that hangs
delays only the streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from vitrine.core.errors import QueueFull

MOST = 64
"""Open streams per API process; each costs a connection and one query per second."""
THREADS = 8

Found = TypeVar("Found")


class EventStreams:
    """The open streams: counts them and ends them. For use on the event loop only, except `end`, which is thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        self.ended = False
        """Whether every stream should end now."""
        self._most = most
        self._open = 0
        self._threads: anyio.CapacityLimiter | None = None

    def end(self) -> None:
        """Make every stream end at its next check, within a second."""
        self.ended = True

    def refuse_when_full(self) -> None:
        """Raise `QueueFull` if the maximum number of streams is open."""
        if self._open >= self._most:
            raise QueueFull(
                f"{self._most} clients already watch jobs.",
                retry_after=5.0,
                hint="Poll GET /v1/jobs/JOB instead.",
            )

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count a stream while it is open."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def ask(self, question: Callable[[], Found]) -> Found:
        """Run a blocking query in a thread of the streams' pool."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(question, limiter=self._threads)
