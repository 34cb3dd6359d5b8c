"""`vitrine worker` as a thing to measure: jobs go in through the ledger and the queue, outcomes are counted there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.parts.jobs import Jobs
from benchmarks.parts.process import Process
from benchmarks.parts.started_worker import started_worker
from benchmarks.parts.surroundings import Surroundings
from benchmarks.parts.turn import Turn, timed_turn

_TOLD_EVERY = 0.2


class VitrineWorker:
    """A worker that is up; made by `vitrine_worker`."""

    name = "vitrine"

    def __init__(self, process: Process, jobs: Jobs, observed: Path) -> None:
        self.process = process
        self._jobs = jobs
        self._observed = observed

    def turn(self, chunks: Sequence[int]) -> Turn:
        """Submit a job of these chunks, wait for its last outcome, and take its vectors away again."""
        job = self._jobs.create()
        # Everything is in the ledger before the first message is sent: writing it is another benchmark's affair.
        numbers = self._jobs.add(job, chunks)
        self._jobs.seal(job)
        began = time.monotonic()
        self._jobs.publish(job, numbers)
        turn = timed_turn(
            lambda: self._jobs.embedded(job),
            sum(chunks),
            self.process,
            embedded=lambda at: self._embedded(at) - self._embedded(began),
        )
        self._jobs.tidy(job)
        return turn

    def _embedded(self, at: float) -> int:
        """Pictures that had been through the device at a time in the past, as the worker's own thread saw it."""
        while not (looks := self._said()["embedded"]) or looks[-1][0] < at:
            time.sleep(_TOLD_EVERY)
        return max((pictures for when, pictures in looks if when <= at), default=0)

    def late_ms(self) -> list[float]:
        """How late the device's thread came back from each batch so far; empty for other than timed models."""
        found: list[float] = self._said()["late_ms"]
        return found

    def gil_wait_ms(self) -> tuple[float, float] | None:
        """How long the device's thread waits for the GIL so far, the median and the 95th of a hundred."""
        found = self._said()["gil_wait"]
        return None if found is None else (found["p50_ms"], found["p95_ms"])

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._observed.read_text())
        return said


@contextmanager
def vitrine_worker(
    around: Surroundings, model: str, *, device: str = "cpu", **settings: str
) -> Iterator[VitrineWorker]:
    """Run one while inside; `settings` are further ones, without VITRINE_ and in capitals."""
    with (
        started_worker(
            around, "observed_worker", model=model, device=device, **settings
        ) as started,
        closing(Jobs(around, model)) as jobs,
    ):
        yield VitrineWorker(started.process, jobs, started.told)
