"""Schedules transfers fairly: each host has a queue, hosts alternate, and none gets more than its share.

The order is first in, first out within a host and round robin between hosts, so a thousand pictures of a slow
host wait for each other and do not block other hosts. The jobs of a paused host stay in its queue.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
V = TypeVar("V")


@dataclass(slots=True)
class _HostQueue(Generic[T]):
    """The queue of one host."""

    jobs: deque[T] = field(default_factory=deque)
    active: int = 0
    listed: bool = (
        False  #: Whether the host is in `_ready` or `_parked`, so that it is never there twice.
    )


class HostScheduler(Generic[T]):
    """The queues of all hosts. Not thread-safe.

    `per_host` limits the active jobs per host; `pause` returns for how many more seconds a host must be left alone.
    """

    def __init__(self, per_host: int, pause: Callable[[str], float]) -> None:
        self._per_host = per_host
        self._pause = pause
        self._lanes: dict[str, _HostQueue[T]] = {}
        self._ready: deque[str] = deque()
        self._parked: list[tuple[float, str]] = []

    def add(self, host: str, job: T) -> None:
        """Append a job to its host's queue."""
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = _HostQueue()
        lane.jobs.append(job)
        self._list(host, lane)

    def next(self, now: float) -> T | None:
        """Return the next job, which is active from now until `done`; None if no job may start."""
        while self._parked and self._parked[0][0] <= now:
            self._ready.append(heapq.heappop(self._parked)[1])
        while self._ready:
            host = self._ready.popleft()
            lane = self._lanes[host]
            pause = self._pause(host) if lane.jobs else 0.0
            if pause > 0:
                heapq.heappush(self._parked, (now + pause, host))
                continue
            lane.listed = False
            if lane.jobs:
                lane.active += 1
                job = lane.jobs.popleft()
                self._list(host, lane)
                return job
            self._forget(host, lane)
        return None

    def done(self, host: str) -> None:
        """Record that one active job of a host has ended."""
        lane = self._lanes[host]
        lane.active -= 1
        self._list(host, lane)
        self._forget(host, lane)

    def next_due(self) -> float | None:
        """Return when the first pause ends, on the clock that is passed to `next`; None if no host is paused."""
        return self._parked[0][0] if self._parked else None

    def wake(self, host: str) -> None:
        """Check a paused host again now, because its pause may have ended early."""
        kept = [entry for entry in self._parked if entry[1] != host]
        if len(kept) < len(self._parked):
            self._parked = kept
            heapq.heapify(self._parked)
            self._ready.append(host)

    def take_out(self, host: str, verdict: Callable[[T], V | None]) -> list[tuple[T, V]]:
        """Remove and return a host's waiting jobs for which `verdict` returns a value; it is called once per job."""
        lane = self._lanes.get(host)
        if lane is None:
            return []
        judged = [(job, verdict(job)) for job in lane.jobs]
        lane.jobs = deque(job for job, found in judged if found is None)
        return [(job, found) for job, found in judged if found is not None]

    def drain(self) -> Iterator[T]:
        """Remove and yield every waiting job."""
        for lane in self._lanes.values():
            while lane.jobs:
                yield lane.jobs.popleft()

    def _list(self, host: str, lane: _HostQueue[T]) -> None:
        if lane.jobs and not lane.listed and lane.active < self._per_host:
            lane.listed = True
            self._ready.append(host)

    def _forget(self, host: str, lane: _HostQueue[T]) -> None:
        # A host without jobs uses no memory. If it is still listed, `next` removes it when it gets there.
        if not lane.jobs and not lane.active and not lane.listed:
            del self._lanes[host]
