"""Answers that go on: server-sent events, so many at once, which end when the service is told to stop.

Each open stream asks the ledger once a second in a thread of its own small pool, so that a Redis which hangs
keeps watchers waiting and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

from vitrine.core.errors import QueueFull

MOST = 64
"""Streams at once in one API process; each is a connection and a question a second."""
THREADS = 8

Found = TypeVar("Found")


class EventStreams:
    """Counts the open streams and ends them; entered on the event loop only, `end` is for any thread."""

    def __init__(self, most: int = MOST) -> None:
        self.ended = False
        """Whether every stream should end now."""
        self._most = most
        self._open = 0
        self._threads: anyio.CapacityLimiter | None = None

    def end(self) -> None:
        """Have every stream end at its next look, which is within a second."""
        self.ended = True

    def refuse_when_full(self) -> None:
        """Raise `QueueFull` where as many streams are open as may be."""
        if self._open >= self._most:
            raise QueueFull(
                f"{self._most} clients watch jobs already.",
                retry_after=5.0,
                hint="Ask GET /v1/jobs/JOB from time to time instead.",
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
        """Run a question that blocks, in a thread of the streams' own."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(question, limiter=self._threads)
