"""A worker that is asked questions while it has bulk work, or none: the lanes' counts, and a job that does not end."""

from __future__ import annotations

import contextlib
import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts.process import Process, running
from benchmarks.parts.surroundings import Surroundings
from vitrine.broker import Publisher
from vitrine.contracts import CHUNK_SIZE, ImageRef, JobSpec, model_name
from vitrine.errors import NotFound
from vitrine.ledger.base import NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.presence import live_workers
from vitrine.redis_client import connect
from vitrine.settings import load

FLOWING = 4 * CHUNK_SIZE
"""Pictures done from which a job flows: the collection is made, the stages are full."""


@dataclass(frozen=True, slots=True)
class LaneCount:
    """What a lane sent to the device."""

    batches: int = 0
    requests: int = 0

    def __add__(self, other: LaneCount) -> LaneCount:
        return LaneCount(self.batches + other.batches, self.requests + other.requests)

    def __sub__(self, other: LaneCount) -> LaneCount:
        return LaneCount(self.batches - other.batches, self.requests - other.requests)

    @property
    def mean(self) -> float:
        """Requests a batch; 0 where there was none."""
        return self.requests / self.batches if self.batches else 0.0


class AskedWorker:
    """A worker that is up; made by `asked_worker`."""

    def __init__(self, around: Surroundings, model: str, process: Process, counts: Path) -> None:
        self.process = process
        self._around = around
        self._model = model_name(model)
        self._counts = counts
        self._ledger = RedisLedger.connect(around.redis_url, job_ttl_days=1)
        self._publisher = Publisher(load(redis_url=around.redis_url))

    def lane(self, name: str) -> LaneCount:
        """A lane's counts since the worker began (`query`, `bulk`), at most half a second old."""
        found: dict[str, list[int]] = json.loads(self._counts.read_text())
        return LaneCount(*found.get(name, (0, 0)))

    @contextmanager
    def loaded(self, pictures: int) -> Iterator[None]:
        """Have a job of so many pictures in work while inside, and cancel what is left of it.

        Raises `RuntimeError` where nothing was left: what was measured was not under load to its end.
        """
        job = uuid.uuid4().hex
        self._submit(job, pictures)
        try:
            self.process.wait_for(lambda: self._embedded(job) >= FLOWING)
            yield
            if self._embedded(job) >= pictures:
                raise RuntimeError("the bulk load was over before the measurement was")
            self._ledger.cancel(job)
            self.process.wait_for(lambda: self._ledger.status(job).finished_at is not None)
        finally:
            with contextlib.closing(self._around.store()) as store, contextlib.suppress(NotFound):
                store.delete(f"bench-{job}")

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.close()
        self._ledger.close()

    def _submit(self, job: str, pictures: int) -> None:
        self._ledger.create(JobSpec(job, f"bench-{job}", self._model))
        images = [
            ImageRef(number, f"item-{number}", 0, self._around.picture(number))
            for number in range(pictures)
        ]
        chunks = [images[first : first + CHUNK_SIZE] for first in range(0, pictures, CHUNK_SIZE)]
        numbers = self._ledger.add_chunks(job, [NewChunk(one, items=len(one)) for one in chunks])
        self._ledger.seal(job)
        self._publisher.publish(job, numbers, self._model)

    def _embedded(self, job: str) -> int:
        status = self._ledger.status(job)
        if status.failed:
            failure = next(iter(self._ledger.failures(job)))
            raise RuntimeError(f"a picture failed: {failure.reason}, {failure.detail}")
        return status.embedded


@contextmanager
def asked_worker(around: Surroundings, model: str, **settings: str) -> Iterator[AskedWorker]:
    """Run one on the CPU while inside; `settings` are further ones, without VITRINE_ and in capitals."""
    counts = around.folder / f"counts-{uuid.uuid4().hex}.json"
    command = [sys.executable, "-m", "benchmarks.parts.counted_worker", str(counts)]
    further = {f"VITRINE_{name}": value for name, value in settings.items()}
    with running(
        [*command, "--model", model, "--device", "cpu"],
        environment={**around.environment(), **further},
        log=around.folder / f"{counts.stem}.log",
    ) as process:
        with contextlib.closing(connect(around.redis_url)) as redis:
            process.wait_for(lambda: any(one.pid == process.pid for one in live_workers(redis)))
        worker = AskedWorker(around, model, process, counts)
        try:
            yield worker
        finally:
            worker.close()
