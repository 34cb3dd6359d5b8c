"""A query lane without workers: equal questions get equal unit vectors, made from the question's bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vitrine.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.presence import WorkerInfo
from vitrine.query_lane import Query, QueryVector
from vitrine.vectors import Space


def fake_vector(data: bytes, dimension: int) -> NDArray[np.float32]:
    """A unit vector, float32 [dimension], that depends on nothing but the bytes."""
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    drawn = np.random.default_rng(seed).standard_normal(dimension)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def fake_worker(space: Space, *, supports_text: bool = False, node: str = "fake") -> WorkerInfo:
    """A worker's line about itself."""
    return WorkerInfo(
        node=node, model=space.model, revision=space.revision, policy=space.policy,
        dimension=space.dimension, device="cpu", supports_text=supports_text, pid=1, started_at=0.0,
    )  # fmt: skip


class FakeLane:
    """Answers as `vitrine.query_lane.QueryLane` does; `crew` is who is alive, and may be changed.

    `known` maps a question's bytes to the vector to answer with; others get `fake_vector`. `failure`, where
    set, is raised by everything, as if Redis were gone. `asked` is every question so far.
    """

    def __init__(
        self, *crew: WorkerInfo, known: Mapping[bytes, NDArray[np.float32]] | None = None
    ) -> None:
        self.crew = list(crew)
        self.known = dict(known or {})
        self.failure: VitrineError | None = None
        self.asked: list[tuple[str, Query]] = []
        self._lock = threading.Lock()

    def workers(self, model: str | None = None) -> list[WorkerInfo]:
        """The crew, or those of it that have the model."""
        if self.failure is not None:
            raise self.failure
        return [worker for worker in self.crew if model is None or worker.model == model]

    def embed(self, model: str, query: Query) -> QueryVector:
        """The vector of the question; raises as the real lane does."""
        workers = self.workers(model)
        if not workers:
            raise ModelUnavailable(
                f"No worker for the model {model} is running.",
                hint=f"Start one: vitrine worker --model {model}",
            )
        if query.kind == "text" and not any(worker.supports_text for worker in workers):
            raise BadInput(
                f"The model {model} has no text tower, so it cannot be searched by words."
            )
        with self._lock:
            self.asked.append((model, query))
        space = workers[0].space
        vector = self.known.get(query.data)
        return QueryVector(
            fake_vector(query.data, space.dimension) if vector is None else vector, space
        )

    def close(self) -> None:
        """Nothing is open."""
