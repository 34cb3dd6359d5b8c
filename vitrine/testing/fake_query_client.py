"""A query lane without workers: equal queries get equal unit vectors, derived from the query's bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import VitrineError
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.query.client import (
    Query,
    QueryAnswer,
    QueryVector,
    no_text_tower_error,
    no_worker_error,
)
from vitrine.store import EmbeddingSpace


def fake_vector(data: bytes, dimension: int) -> NDArray[np.float32]:
    """Return a unit vector, float32 [dimension], that depends only on the bytes."""
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    drawn = np.random.default_rng(seed).standard_normal(dimension)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def fake_worker(
    space: EmbeddingSpace, *, supports_text: bool = False, node: str = "fake"
) -> WorkerInfo:
    """Return a worker's registry entry."""
    return WorkerInfo(
        node=node, model=space.model, revision=space.revision, policy=space.policy,
        dimension=space.dimension, device="cpu", supports_text=supports_text, pid=1, started_at=0.0,
    )  # fmt: skip


class FakeQueryClient:
    """Behaves like `vitrine.query.client.QueryClient`. `crew` holds the live workers and may be changed.

    `known` maps a query's bytes to the vector or error to return; other queries get `fake_vector`. Every method raises
    `failure` if it is set, as if Redis were unreachable. `asked` records every query. `hands` holds the number of each
    job's pictures per stage that the workers report.
    """

    def __init__(
        self,
        *crew: WorkerInfo,
        known: Mapping[bytes, NDArray[np.float32] | VitrineError] | None = None,
    ) -> None:
        self.crew = list(crew)
        self.known = dict(known or {})
        self.failure: VitrineError | None = None
        self.asked: list[tuple[str, Query]] = []
        self.hands: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def workers(self, model: str | None = None) -> list[WorkerInfo]:
        """Return the crew, or those of it that use the model."""
        if self.failure is not None:
            raise self.failure
        return [worker for worker in self.crew if model is None or worker.model == model]

    def in_stages(self, job: str) -> dict[str, int]:
        """Return the job's entry in `hands`."""
        if self.failure is not None:
            raise self.failure
        return self.hands.get(job, {})

    def embed(self, model: str, query: Query, *, timeout: float | None = None) -> QueryVector:
        """Return the query's vector. Raises the same errors as the real client."""
        (answer,) = self.embed_many(model, [query], timeout=timeout)
        if isinstance(answer, VitrineError):
            raise answer
        return answer

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """Return a vector or an error for each query. Raises the same errors as the real client."""
        del timeout
        workers = self.workers(model)
        if not workers:
            raise no_worker_error(model)
        words = any(worker.supports_text for worker in workers)
        return [
            no_text_tower_error(model)
            if query.kind == "text" and not words
            else self._answer(workers[0], query)
            for query in queries
        ]

    def _answer(self, worker: WorkerInfo, query: Query) -> QueryAnswer:
        with self._lock:
            self.asked.append((worker.model, query))
        found = self.known.get(query.data)
        if isinstance(found, VitrineError):
            return found
        vector = fake_vector(query.data, worker.dimension) if found is None else found
        return QueryVector(vector, worker.space)

    def close(self) -> None:
        """Do nothing, because nothing is open."""
