"""Back-pressure: while too many pictures are pending, a submit waits or is refused.

Either way it reports what blocks the queue: pictures of a model that no worker serves stay pending forever, and
a plain "try again later" would hide that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from vitrine.core.errors import NotFound, QueueFull
from vitrine.core.hints import Hint
from vitrine.core.types import JobStatus

RETRY_AFTER_SECONDS = 10.0
POLL_SECONDS = 1.0
LOOKED_AT_JOBS = 200
"""Jobs that are checked for what blocks the queue; each costs one round trip to the ledger."""
NAMED_JOBS = 3
SLACK = 1024
"""Pictures above the limit (one write) that a submit which must not wait can still send: a small job is accepted or refused, never half."""

Waiting: TypeAlias = Callable[[int], None]
"""Called at every check while a submit waits, with the number of pending pictures."""

Served: TypeAlias = Callable[[str], bool]
"""Returns whether a worker for this model (by its canonical name) is alive."""


class PendingImages(Protocol):
    """The part of the ledger that is used while a submit waits."""

    def pending_images(self) -> int:
        """Return the number of pictures, of all jobs, that have no outcome yet."""


class JobsView(PendingImages, Protocol):
    """The part of the ledger that shows what blocks the queue."""

    def active_jobs(self) -> list[str]:
        """Return the ids of unfinished jobs."""

    def status(self, job: str) -> JobStatus:
        """Return the counts of one job; raise `NotFound`."""


def refuse_when_full(ledger: JobsView, limit: int, served: Served | None = None) -> int:
    """Return the number of pending pictures; raise `QueueFull` if it reaches `limit` (with `served`, naming the jobs that block)."""
    pending = ledger.pending_images()
    if pending < limit:
        return pending
    blocked = "" if served is None else _blocked(ledger, served)
    raise QueueFull(
        f"{_counted(pending, limit)}{blocked}.",
        retry_after=RETRY_AFTER_SECONDS,
        hint=Hint("Start a worker for them, or {cancel_some_job}.") if blocked else
        "Try again later, or start more workers.",
    )  # fmt: skip


def what_blocks(ledger: JobsView, pending: int, limit: int, served: Served) -> str:
    """Return the message of a waiting submit: the counts, and the jobs whose model no worker serves."""
    blocked = _blocked(ledger, served)
    advice = " (vitrine jobs, vitrine cancel JOB)" if blocked else ""
    return f"{_counted(pending, limit)}{blocked}{advice}"


def wait_for_room(
    ledger: PendingImages,
    limit: int,
    on_wait: Waiting,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Wait until fewer than `limit` pictures are pending, and return their number."""
    while (pending := ledger.pending_images()) >= limit:
        on_wait(pending)
        sleep(POLL_SECONDS)
    return pending


class PendingQuota:
    """The number of pictures that one submit can still send before it counts the pending ones again.

    A count queries every active job, so it is not made for each write. A submit sends a sixteenth of the free
    capacity between two counts, so that sixteen simultaneous submits overfill the queue by at most one write each.
    Without `on_wait` a full queue raises `QueueFull` instead of waiting.
    """

    def __init__(self, ledger: JobsView, limit: int, on_wait: Waiting | None) -> None:
        self._ledger = ledger
        self._limit = limit
        self._on_wait = on_wait
        self._free = 0

    def take(self, pictures: int) -> None:
        """Return once `pictures` pictures can be sent."""
        if self._free <= 0:
            self.look(SLACK)
        self._free -= pictures

    def look(self, slack: int = 0) -> None:
        """Count the pending pictures and return once there is capacity; without waiting, `slack` pictures above the limit are allowed."""
        if self._on_wait is None:
            pending = self._ledger.pending_images()
            if pending >= self._limit + slack:
                pending = refuse_when_full(self._ledger, self._limit)
        else:
            pending = wait_for_room(self._ledger, self._limit, self._on_wait)
        self._free = (self._limit - pending) // 16


def _counted(pending: int, limit: int) -> str:
    are = "picture is" if pending == 1 else "pictures are"
    return f"{pending:,} {are} pending, the limit is {limit:,}"


def _blocked(ledger: JobsView, served: Served) -> str:
    waiting: dict[str, list[JobStatus]] = {}
    for status in _unfinished(ledger):
        waiting.setdefault(status.spec.model, []).append(status)
    parts = [_wait_for(jobs) for model, jobs in sorted(waiting.items()) if not served(model)]
    return "".join(f"; {part}" for part in parts)


def _unfinished(ledger: JobsView) -> Iterator[JobStatus]:
    for job in ledger.active_jobs()[:LOOKED_AT_JOBS]:
        try:
            status = ledger.status(job)
        except NotFound:
            continue  # deleted between the two calls
        if status.pending:
            yield status


def _wait_for(jobs: list[JobStatus]) -> str:
    count = sum(status.pending for status in jobs)
    spec = jobs[0].spec
    named = ", ".join(status.spec.id for status in jobs[:NAMED_JOBS])
    more = f" and {len(jobs) - NAMED_JOBS} more" if len(jobs) > NAMED_JOBS else ""
    word = "job" if len(jobs) == 1 else "jobs"
    verb = "waits" if count == 1 else "wait"
    return (
        f"{count:,} of them {verb} for {spec.asked_model or spec.model}, "
        f"for which no worker runs: {word} {named}{more}"
    )
