"""`vitrine worker` under measurement: jobs are submitted through ledger and queue, outcomes are counted there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.parts.jobs import Jobs
from benchmarks.parts.process import Process
from benchmarks.parts.surroundings import Surroundings
from benchmarks.parts.turn import LONGEST_SECONDS, WARM_UP_SHARE, Turn, timed_turn
from benchmarks.parts.workers.started import started_worker

_TOLD_EVERY = 0.2


class VitrineWorker:
    """A running worker, created by `vitrine_worker`."""

    name = "vitrine"

    def __init__(self, process: Process, jobs: Jobs, observed: Path) -> None:
        self.process = process
        self._jobs = jobs
        self._observed = observed

    def turn(self, chunks: Sequence[int]) -> Turn:
        """Submit a job of these chunks, wait for its last outcome, and delete its vectors."""
        job, began = self._submitted(chunks)
        turn = timed_turn(
            lambda: self._jobs.embedded(job),
            sum(chunks),
            self.process,
            embedded=lambda at: self._embedded(at) - self._embedded(began),
        )
        self._jobs.tidy(job)
        return turn

    def turn_at_device(self, chunks: Sequence[int]) -> Turn:
        """Run like `turn`, but count pictures as they leave the device: for devices so slow that a run has few batches.

        A dozen chunks are in progress concurrently and share batches, so they end together: outcomes reveal
        little about what the device did before.
        """
        spent, began_at = self.process.cpu_seconds(), time.monotonic()
        job, began = self._submitted(chunks)
        self.process.wait_for(lambda: self._jobs.embedded(job) == sum(chunks), LONGEST_SECONDS)
        wall, spent = time.monotonic() - began_at, self.process.cpu_seconds() - spent
        before, total = self._embedded(began), sum(chunks)
        self._embedded(time.monotonic())  # waits until the last look is written
        seen = [(at, count - before) for at, count in self._said()["embedded"]]
        first = next(look for look in seen if look[1] >= WARM_UP_SHARE * total)
        last = next(look for look in seen if look[1] == total)
        self._jobs.tidy(job)
        rate = (last[1] - first[1]) / (last[0] - first[0])
        return Turn(rate, 1000 * spent / total, spent / wall)

    def _submitted(self, chunks: Sequence[int]) -> tuple[str, float]:
        """Submit a job and return its id, and when its chunks were published, in monotonic seconds."""
        job = self._jobs.create()
        # Write everything to the ledger before sending the first message: another benchmark measures that.
        numbers = self._jobs.add(job, chunks)
        self._jobs.seal(job)
        began = time.monotonic()
        self._jobs.publish(job, numbers)
        return job, began

    def _embedded(self, at: float) -> int:
        """Return how many pictures had passed the device at a past time, as observed by the worker's own thread."""
        while not (looks := self._said()["embedded"]) or looks[-1][0] < at:
            time.sleep(_TOLD_EVERY)
        return max((pictures for when, pictures in looks if when <= at), default=0)

    def late_ms(self) -> list[float]:
        """Return how late the device's thread returned from each batch so far; empty if the model is not timed."""
        found: list[float] = self._said()["late_ms"]
        return found

    def gil_wait_ms(self) -> tuple[float, float] | None:
        """Return the median and 95th percentile of the device thread's waits for the GIL so far."""
        found = self._said()["gil_wait"]
        return None if found is None else (found["p50_ms"], found["p95_ms"])

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._observed.read_text())
        return said


@contextmanager
def vitrine_worker(
    around: Surroundings, model: str, *, device: str = "cpu", **settings: str
) -> Iterator[VitrineWorker]:
    """Run a worker for the duration of the block. `settings` are names in capitals without VITRINE_."""
    with (
        started_worker(around, "observed", model=model, device=device, **settings) as started,
        closing(Jobs(around, model)) as jobs,
    ):
        yield VitrineWorker(started.process, jobs, started.told)
