"""`vitrine worker` as a thing to measure: jobs go in through the ledger and the queue, outcomes are counted there."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.parts.process import Process, running
from benchmarks.parts.surroundings import Surroundings
from benchmarks.parts.turn import Turn, timed_turn
from vitrine.broker import Publisher
from vitrine.contracts import ImageRef, JobSpec, model_name
from vitrine.errors import NotFound
from vitrine.ledger.base import NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.presence import live_workers
from vitrine.redis_client import connect
from vitrine.settings import load

_TOLD_EVERY = 0.2


class VitrineWorker:
    """A worker that is up; made by `vitrine_worker`."""

    name = "vitrine"

    def __init__(self, around: Surroundings, model: str, process: Process, observed: Path) -> None:
        self.process = process
        self._around = around
        self._model = model_name(model)
        self._observed = observed
        self._ledger = RedisLedger.connect(around.redis_url, job_ttl_days=1)
        self._publisher = Publisher(load(redis_url=around.redis_url))

    def turn(self, chunks: Sequence[int]) -> Turn:
        """Submit a job of these chunks, wait for its last outcome, and take its vectors away again."""
        job = uuid.uuid4().hex
        numbers = self._submitted(job, chunks)
        began = time.monotonic()
        self._publisher.publish(job, numbers, self._model)
        turn = timed_turn(
            lambda: self._done(job),
            sum(chunks),
            self.process,
            embedded=lambda at: self._embedded(at) - self._embedded(began),
        )
        self._tidy(job)
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

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.close()
        self._ledger.close()

    def _submitted(self, job: str, chunks: Sequence[int]) -> list[int]:
        """Everything in the ledger before the first message is sent: writing it is another benchmark's affair."""
        self._ledger.create(JobSpec(job, f"bench-{job}", self._model))
        ordinals = iter(range(sum(chunks)))
        images = [[self._image(ordinal) for ordinal in islice(ordinals, size)] for size in chunks]
        numbers = self._ledger.add_chunks(job, [NewChunk(one, items=len(one)) for one in images])
        self._ledger.seal(job)
        return numbers

    def _image(self, ordinal: int) -> ImageRef:
        return ImageRef(ordinal, f"item-{ordinal}", 0, self._around.picture(ordinal))

    def _done(self, job: str) -> int:
        status = self._ledger.status(job)
        if status.failed:
            failure = next(iter(self._ledger.failures(job)))
            raise RuntimeError(f"a picture failed: {failure.reason}, {failure.detail}")
        return status.embedded

    def _tidy(self, job: str) -> None:
        with contextlib.closing(self._around.store()) as store, contextlib.suppress(NotFound):
            store.delete(f"bench-{job}")


@contextmanager
def vitrine_worker(
    around: Surroundings, model: str, *, device: str = "cpu", **settings: str
) -> Iterator[VitrineWorker]:
    """Run one while inside; `settings` are further ones, without VITRINE_ and in capitals."""
    observed = around.folder / f"observed-{uuid.uuid4().hex}.json"
    command = [sys.executable, "-m", "benchmarks.parts.observed_worker", str(observed)]
    further = {f"VITRINE_{name}": value for name, value in settings.items()}
    with running(
        [*command, "--model", model, "--device", device],
        environment={**around.environment(), **further},
        log=around.folder / f"{observed.stem}.log",
    ) as process:
        with contextlib.closing(connect(around.redis_url)) as redis:
            process.wait_for(lambda: any(one.pid == process.pid for one in live_workers(redis)))
        worker = VitrineWorker(around, model, process, observed)
        try:
            yield worker
        finally:
            worker.close()
