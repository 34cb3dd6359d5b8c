"""Whose turn it is: jobs wait by host, hosts take turns, and no host gets more than its share.

First in, first out within a host; round robin between hosts. So a thousand pictures of a slow host
queue up behind each other and not before everybody else's. A paused host's jobs stay where they are.
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
    """One host's line."""

    jobs: deque[T] = field(default_factory=deque)
    active: int = 0
    listed: bool = (
        False  #: Whether it stands in `_ready` or `_parked`, so that it never stands there twice.
    )


class HostScheduler(Generic[T]):
    """The lines of all hosts. For one thread.

    `per_host` is how many jobs of a host may be active; `pause` gives the seconds a host is still to be left alone.
    """

    def __init__(self, per_host: int, pause: Callable[[str], float]) -> None:
        self._per_host = per_host
        self._pause = pause
        self._lanes: dict[str, _HostQueue[T]] = {}
        self._ready: deque[str] = deque()
        self._parked: list[tuple[float, str]] = []

    def add(self, host: str, job: T) -> None:
        """Put a job at the end of its host's line."""
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = _HostQueue()
        lane.jobs.append(job)
        self._list(host, lane)

    def next(self, now: float) -> T | None:
        """The job whose turn it is, active from now on until `done`; None where nobody may go."""
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
        """Say that one active job of a host has ended."""
        lane = self._lanes[host]
        lane.active -= 1
        self._list(host, lane)
        self._forget(host, lane)

    def next_due(self) -> float | None:
        """When the first paused host may go again, on the clock that `next` is given."""
        return self._parked[0][0] if self._parked else None

    def wake(self, host: str) -> None:
        """Let a paused host be looked at again now, its pause being over before its time."""
        kept = [entry for entry in self._parked if entry[1] != host]
        if len(kept) < len(self._parked):
            self._parked = kept
            heapq.heapify(self._parked)
            self._ready.append(host)

    def take_out(self, host: str, verdict: Callable[[T], V | None]) -> list[tuple[T, V]]:
        """Remove the waiting jobs of a host that have a verdict, and return them with it; each is asked for once."""
        lane = self._lanes.get(host)
        if lane is None:
            return []
        judged = [(job, verdict(job)) for job in lane.jobs]
        lane.jobs = deque(job for job, found in judged if found is None)
        return [(job, found) for job, found in judged if found is not None]

    def drain(self) -> Iterator[T]:
        """Remove every waiting job."""
        for lane in self._lanes.values():
            while lane.jobs:
                yield lane.jobs.popleft()

    def _list(self, host: str, lane: _HostQueue[T]) -> None:
        if lane.jobs and not lane.listed and lane.active < self._per_host:
            lane.listed = True
            self._ready.append(host)

    def _forget(self, host: str, lane: _HostQueue[T]) -> None:
        # A host of the past keeps no memory; one that is still listed is forgotten when its turn comes.
        if not lane.jobs and not lane.active and not lane.listed:
            del self._lanes[host]
