"""A job that is fed as it is processed: however long it is, Redis and the queue hold a few thousand of its pictures."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.parts.jobs import Jobs
from benchmarks.parts.surroundings import Surroundings
from vitrine.core.types import CHUNK_SIZE, JobStatus

AHEAD = 4096
"""Pictures without an outcome: several seconds of work, so that the worker never waits for the feeder."""


class FedJob:
    """One job into a new collection; `url` returns the n-th picture's URL."""

    def __init__(self, around: Surroundings, model: str, url: Callable[[int], str]) -> None:
        self._jobs = Jobs(around, model, url)
        self._id = self._jobs.create()
        self._sent = 0

    def feed(self, pictures: int) -> JobStatus:
        """Add enough to keep the worker busy, up to `pictures` in total, and return the job's status."""
        status = self._jobs.status(self._id)
        missing = min(pictures, status.embedded + status.failed + AHEAD) - self._sent
        if missing > 0:
            sizes = [min(CHUNK_SIZE, missing - done) for done in range(0, missing, CHUNK_SIZE)]
            numbers = self._jobs.add(self._id, sizes, first=self._sent)
            self._sent += missing
            self._jobs.publish(self._id, numbers)
        return status

    def close(self) -> None:
        """Cancel the rest, delete its vectors and close the connections."""
        self._jobs.cancel(self._id)
        self._jobs.tidy(self._id)
        self._jobs.close()
