"""A worker that receives queries with or without bulk work: counts per lane, and an endless job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts.jobs import Jobs
from benchmarks.parts.load import full_chunks
from benchmarks.parts.process import Process
from benchmarks.parts.surroundings import Surroundings
from benchmarks.parts.workers.started import started_worker
from vitrine.core.types import CHUNK_SIZE

FLOWING = 4 * CHUNK_SIZE
"""Pictures done once a job is in full flow: the collection exists and the stages are full."""


@dataclass(frozen=True, slots=True)
class LaneCount:
    """Batches and requests that a lane sent to the device."""

    batches: int = 0
    requests: int = 0

    def __add__(self, other: LaneCount) -> LaneCount:
        return LaneCount(self.batches + other.batches, self.requests + other.requests)

    def __sub__(self, other: LaneCount) -> LaneCount:
        return LaneCount(self.batches - other.batches, self.requests - other.requests)

    @property
    def mean(self) -> float:
        """Requests per batch; 0 without batches."""
        return self.requests / self.batches if self.batches else 0.0


class AskedWorker:
    """A running worker, created by `asked_worker`."""

    def __init__(self, process: Process, jobs: Jobs, counts: Path) -> None:
        self.process = process
        self._jobs = jobs
        self._counts = counts

    def lane(self, name: str) -> LaneCount:
        """Return a lane's counts since the worker started (`query`, `bulk`), at most half a second old."""
        found: dict[str, list[int]] = json.loads(self._counts.read_text())
        return LaneCount(*found.get(name, (0, 0)))

    @contextmanager
    def loaded(self, pictures: int) -> Iterator[None]:
        """Run a job of `pictures` pictures for the duration of the block, then cancel the rest.

        Raises `RuntimeError` if the job finished early, because then the measurement was not under load throughout.
        """
        jobs, job = self._jobs, self._jobs.create()
        numbers = jobs.add(job, full_chunks(pictures))
        jobs.seal(job)
        jobs.publish(job, numbers)
        try:
            self.process.wait_for(lambda: jobs.embedded(job) >= FLOWING)
            yield
            if jobs.embedded(job) >= pictures:
                raise RuntimeError("the bulk load was over before the measurement was")
            jobs.cancel(job)
            self.process.wait_for(lambda: jobs.status(job).finished_at is not None)
        finally:
            jobs.tidy(job)


@contextmanager
def asked_worker(around: Surroundings, model: str, **settings: str) -> Iterator[AskedWorker]:
    """Run a worker on the CPU for the duration of the block. `settings` are names in capitals without VITRINE_."""
    with (
        started_worker(around, "counted", model=model, **settings) as started,
        closing(Jobs(around, model)) as jobs,
    ):
        yield AskedWorker(started.process, jobs, started.told)
