"""A job that is fed as it is eaten: however long it is, Redis and the queue hold some thousand pictures of it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable

from benchmarks.parts.surroundings import Surroundings
from vitrine.broker import Publisher
from vitrine.contracts import CHUNK_SIZE, ImageRef, JobSpec, JobStatus, model_name
from vitrine.errors import NotFound
from vitrine.ledger.base import NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.settings import load

AHEAD = 4096
"""Pictures without an outcome: some seconds of work, so that the worker never waits for the feeder."""


class FedJob:
    """One job into a collection of its own; `url` names the n-th picture's."""

    def __init__(self, around: Surroundings, model: str, url: Callable[[int], str]) -> None:
        self._around = around
        self._url = url
        self._model = model_name(model)
        self._id = uuid.uuid4().hex
        self._sent = 0
        self._ledger = RedisLedger.connect(around.redis_url, job_ttl_days=1)
        self._publisher = Publisher(load(redis_url=around.redis_url))
        self._ledger.create(JobSpec(self._id, f"bench-{self._id}", self._model))

    def feed(self, pictures: int) -> JobStatus:
        """Send what keeps the worker busy, `pictures` in all at most; where the job stands."""
        status = self._ledger.status(self._id)
        wanted = min(pictures, status.embedded + status.failed + AHEAD)
        chunks = []
        while self._sent < wanted:
            size = min(CHUNK_SIZE, wanted - self._sent)
            chunks.append(NewChunk([self._image(self._sent + n) for n in range(size)], items=size))
            self._sent += size
        if chunks:
            numbers = self._ledger.add_chunks(self._id, chunks)
            self._publisher.publish(self._id, numbers, self._model)
        return status

    def close(self) -> None:
        """Cancel what is left, take its vectors away and let go of the connections."""
        self._ledger.cancel(self._id)
        with contextlib.closing(self._around.store()) as store, contextlib.suppress(NotFound):
            store.delete(f"bench-{self._id}")
        self._publisher.close()
        self._ledger.close()

    def _image(self, ordinal: int) -> ImageRef:
        return ImageRef(ordinal, f"item-{ordinal}", 0, self._url(ordinal))
