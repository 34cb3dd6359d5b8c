"""Jobs that a benchmark gives to a worker: written to ledger and queue as a producer would, and removed afterwards."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Sequence

from benchmarks.parts.surroundings import Surroundings
from vitrine.core.errors import NotFound
from vitrine.core.load_settings import load
from vitrine.core.types import ImageRef, JobSpec, JobStatus, model_name
from vitrine.ledger.base import NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.broker import Publisher


class Jobs:
    """Jobs for one model; `url` returns the n-th picture's URL (default: those of the surroundings)."""

    def __init__(
        self, around: Surroundings, model: str, url: Callable[[int], str] | None = None
    ) -> None:
        self._around = around
        self._model = model_name(model)
        self._url = url or around.picture
        self._ledger = RedisLedger.connect(around.redis_url, job_ttl_days=1)
        self._publisher = Publisher(load(redis_url=around.redis_url))

    def create(self) -> str:
        """Open a job with a new collection, and return its id."""
        job = uuid.uuid4().hex
        self._ledger.create(JobSpec(job, f"bench-{job}", self._model))
        return job

    def add(self, job: str, sizes: Sequence[int], *, first: int = 0) -> list[int]:
        """Write chunks of these sizes to the ledger, numbering pictures from `first`. Returns the chunks' numbers."""
        chunks = []
        for size in sizes:
            chunks.append(NewChunk([self._image(first + n) for n in range(size)], items=size))
            first += size
        return self._ledger.add_chunks(job, chunks)

    def seal(self, job: str) -> None:
        """Seal the job: nothing more will be added."""
        self._ledger.seal(job)

    def publish(self, job: str, numbers: Sequence[int]) -> None:
        """Publish the messages of these chunks."""
        self._publisher.publish(job, list(numbers), self._model)

    def status(self, job: str) -> JobStatus:
        """Return the status of a job."""
        return self._ledger.status(job)

    def embedded(self, job: str) -> int:
        """Return how many pictures are embedded. Raises `RuntimeError` if one failed, which would distort the figures."""
        status = self._ledger.status(job)
        if status.failed:
            failure = next(iter(self._ledger.failures(job)))
            raise RuntimeError(f"a picture failed: {failure.reason}, {failure.detail}")
        return status.embedded

    def cancel(self, job: str) -> None:
        """Cancel a job, so that no more of it starts."""
        self._ledger.cancel(job)

    def tidy(self, job: str) -> None:
        """Delete a job's vectors."""
        with contextlib.closing(self._around.store()) as store, contextlib.suppress(NotFound):
            store.delete(f"bench-{job}")

    def close(self) -> None:
        """Close the connections."""
        self._publisher.close()
        self._ledger.close()

    def _image(self, ordinal: int) -> ImageRef:
        return ImageRef(ordinal, f"item-{ordinal}", 0, self._url(ordinal))
