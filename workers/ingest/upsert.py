"""Writes a chunk's vectors to the store in one upsert, and retries while the store is unreachable.

Nothing is marked as done before the store has confirmed it. If the store rejects an upsert for good, it is retried in
halves, so that one bad point does not fail the others. The breaker, which all chunks of the process share, decides
when the store may be called: while it is open, finished vectors wait and no chunk is started.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np

from vitrine.core.errors import NotFound, StoreRejected, StoreUnavailable, VitrineError
from vitrine.core.types import FailureReason, JobSpec, point_id
from vitrine.store.base import EmbeddingSpace, PointBatch, Provenance, VectorStore
from workers.ingest.outcomes import EmbeddedPicture, Outcomes
from workers.ingest.store_breaker import StoreBreaker

FIRST_WAIT = 0.25
"""Seconds before the second try, doubled for the third; after that the breaker decides."""
LOOK_EVERY = 0.25
"""Maximum seconds between checks whether the store is back or the process should stop."""
PATIENCE = 60.0
"""Seconds of retries before the chunk is given back, to be processed again later."""


class ChunkStore:
    """The store for chunks: calls with retries, behind the breaker."""

    def __init__(
        self,
        store: VectorStore,
        space: EmbeddingSpace,
        *,
        stopping: Callable[[], bool] = lambda: False,
        patience: float = PATIENCE,
        breaker: StoreBreaker | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._space = space
        self._stopping = stopping  #: A process that is stopping tries once and does not wait.
        self._patience = patience
        self._breaker = breaker or StoreBreaker(clock=clock)
        self._clock = clock
        self._sleep = sleep
        self._ensured: set[str] = set()

    def wait_until_back(self) -> None:
        """Wait until the store is reachable or the process stops: a chunk started during an outage could not be stored.

        Pings the store if no chunk with vectors probes it.
        """
        while self._breaker.away is not None and not self._stopping():
            wait = self._breaker.turn()
            if wait:
                self._sleep(min(wait, LOOK_EVERY))
                continue
            with suppress(VitrineError):
                self._breaker.call(self._store.ping, proves=False)

    def ensure(self, collection: str) -> None:
        """Create or check the collection, once per process; raises `SpaceMismatch`, `StoreUnavailable`."""
        if collection not in self._ensured:
            self._patiently(lambda: self._store.ensure(collection, self._space), lambda: False)
            self._ensured.add(collection)

    def upsert(self, spec: JobSpec, outcomes: Outcomes, gone: Callable[[], bool]) -> None:
        """Write every embedded picture; pictures that the store rejects for good become failures.

        Raises `StoreUnavailable` if the store stays unreachable, or if `gone` reports that the lease is lost.
        """
        points, outcomes.embedded = outcomes.embedded, []
        if points:
            self._upsert(spec, points, outcomes, gone)

    def _upsert(
        self,
        spec: JobSpec,
        points: list[EmbeddedPicture],
        outcomes: Outcomes,
        gone: Callable[[], bool],
    ) -> None:
        batch = point_batch(spec, self._space, points)
        try:
            self._patiently(lambda: self._store.upsert(spec.collection, batch), gone)
        except NotFound as error:
            # The collection was deleted meanwhile: the next attempt creates it again.
            self._ensured.discard(spec.collection)
            raise StoreUnavailable(f"The collection {spec.collection} was deleted.") from error
        except StoreRejected as error:
            if len(points) == 1:
                reason = FailureReason.STORE_REJECTED
                outcomes.fail_with(points[0].image, reason, error.message)
                return
            middle = len(points) // 2
            self._upsert(spec, points[:middle], outcomes, gone)
            self._upsert(spec, points[middle:], outcomes, gone)
        else:
            outcomes.embedded.extend(points)

    def _patiently(self, call: Callable[[], None], gone: Callable[[], bool]) -> None:
        deadline = self._clock() + self._patience
        wait = FIRST_WAIT
        while True:
            self._await_turn(deadline, gone)
            try:
                return self._breaker.call(call)
            except StoreUnavailable:
                if self._stopping():
                    raise
                if self._breaker.away is not None:
                    continue  # From here on the breaker decides when to retry.
                pause = wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
                if self._clock() + pause > deadline:
                    raise
                self._sleep(pause)
                wait *= 2

    def _await_turn(self, deadline: float, gone: Callable[[], bool]) -> None:
        while True:
            if gone():
                raise StoreUnavailable("The chunk's lease ended before it was stored.")
            wait = self._breaker.turn()
            if not wait:
                return
            if self._stopping() or self._clock() + min(wait, LOOK_EVERY) > deadline:
                away = self._breaker.away
                raise StoreUnavailable(away.why if away else "The store is unreachable.")
            self._sleep(min(wait, LOOK_EVERY))


def point_batch(
    spec: JobSpec, space: EmbeddingSpace, points: Sequence[EmbeddedPicture]
) -> PointBatch:
    """Build the points of one upsert, with the provenance of each vector."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    images = [point.image for point in points]
    return PointBatch(
        ids=[point_id(spec.collection, image.item_id, image.index) for image in images],
        vectors=np.stack([point.vector for point in points]),
        item_ids=[image.item_id for image in images],
        indexes=[image.index for image in images],
        urls=[image.url for image in images],
        fields=[image.payload for image in images],
        provenance=[
            Provenance(
                spec.id, space.model, space.revision, space.policy,
                point.content_sha256, point.etag, now,
            )
            for point in points
        ],
    )  # fmt: skip
