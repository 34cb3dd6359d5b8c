"""Back-pressure: while too many pictures have no outcome, submitting waits or is refused.

Either way it is told what holds the queue up: pictures that wait for a model which no worker serves will wait for ever,
and nobody who is merely asked to be patient would find that out.
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
"""Jobs that are looked at for what blocks; each costs one round trip to the ledger."""
NAMED_JOBS = 3
SLACK = 1024
"""Pictures past the limit, one write, that a submit which may not wait has for its end: a small job is in or not, never half."""

Waiting: TypeAlias = Callable[[int], None]
"""Told again at each look how many pictures are pending while the submit waits."""

Served: TypeAlias = Callable[[str], bool]
"""Whether a worker of this model (its canonical name) is alive."""


class PendingImages(Protocol):
    """The part of the ledger that is asked while waiting."""

    def pending_images(self) -> int:
        """Pictures of all jobs that have no outcome yet."""


class JobsView(PendingImages, Protocol):
    """The part of the ledger that is asked for what blocks."""

    def active_jobs(self) -> list[str]:
        """Ids of jobs that are not finished."""

    def status(self, job: str) -> JobStatus:
        """The counts of one job; raises `NotFound`."""


def refuse_when_full(ledger: JobsView, limit: int, served: Served | None = None) -> int:
    """How many pictures are pending; raise `QueueFull` where those are `limit` or more, with `served` it names what blocks."""
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
    """What a waiting submit tells: the counts, and the jobs whose model no worker serves."""
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
    """Return once fewer than `limit` pictures are pending, and how many those are."""
    while (pending := ledger.pending_images()) >= limit:
        on_wait(pending)
        sleep(POLL_SECONDS)
    return pending


class PendingQuota:
    """What one submit may still send before it counts the pending pictures again.

    Counting asks about every active job, so it is not done for each write; a sixteenth of what is free may
    go in unlooked, so that sixteen submits at once overfill the queue by no more than a write each.
    Without `on_wait` nobody waits: a full queue raises `QueueFull`.
    """

    def __init__(self, ledger: JobsView, limit: int, on_wait: Waiting | None) -> None:
        self._ledger = ledger
        self._limit = limit
        self._on_wait = on_wait
        self._free = 0

    def take(self, pictures: int) -> None:
        """Return once so many pictures may be sent."""
        if self._free <= 0:
            self.look(SLACK)
        self._free -= pictures

    def look(self, slack: int = 0) -> None:
        """Count the pending pictures, and return once there is room; where nobody waits, so many past the limit are let through."""
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
            continue  # forgotten between the two questions
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
