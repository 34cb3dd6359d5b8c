"""The API's parts in memory, and a worker that runs synchronously: for tests of vitrine's clients without servers.

    services = memory_services()
    client = TestClient(create_app(services), "http://127.0.0.1:8080")
    client.post("/v1/jobs", json=...)
    embed_pending(services)          # every picture gets a vector derived from its URL
    client.post("/v1/search", json=...)

`docs/testing.md` has the complete example.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import numpy as np

from api.dependencies import Services
from vitrine.core.settings import Settings
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import Failure, FailureReason, ImageRef, JobSpec, point_id
from vitrine.ledger.base import Lease
from vitrine.messaging.broker import QueueDepth
from vitrine.store.base import EmbeddingSpace, PointBatch, Provenance
from vitrine.testing.fake_query_client import FakeQueryClient, fake_vector, fake_worker
from vitrine.testing.memory_ledger import MemoryLedger
from vitrine.testing.memory_store import MemoryStore
from vitrine.testing.memory_tickets import MemoryTicketStore

MAX_CHUNKS = 10**9
"""More chunks than any job in memory has."""
FAKE_SPACE = EmbeddingSpace("builtin", "fake", "fake", 16)


class MemoryPublisher:
    """Collects messages in place of a broker: `sent` has the job, chunk and model of each, `retries` its earlier attempts."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, str]] = []
        self.retries: list[int] = []
        self._lock = threading.Lock()

    def publish(
        self, job: str, numbers: Sequence[int], model: str, *, retries: Sequence[int] | None = None
    ) -> None:
        """Collect the messages."""
        with self._lock:
            self.sent += [(job, number, model) for number in numbers]
            self.retries += retries or [0] * len(numbers)

    def waiting(self, models: Collection[str]) -> list[QueueDepth]:
        """Return how many messages were sent for each model."""
        with self._lock:
            sent = Counter(model for _, _, model in self.sent)
            return [QueueDepth(model, sent[model], 0) for model in models]


def memory_services(
    settings: Settings | None = None, space: EmbeddingSpace = FAKE_SPACE
) -> Services:
    """Return the parts for `api.app.create_app`: empty, in memory, with one live fake worker for the space's model."""
    settings = settings or Settings()
    options = StoreOptions.from_settings(settings)
    return Services(
        settings,
        MemoryLedger(options=options),
        MemoryStore(options=options),
        FakeQueryClient(fake_worker(space, supports_text=True)),
        MemoryPublisher(),
        MemoryTicketStore(),
    )


def embed_pending(
    services: Services,
    *,
    failing: Collection[str] = (),
    reason: FailureReason = FailureReason.NOT_FOUND,
    space: EmbeddingSpace = FAKE_SPACE,
) -> int:
    """Process all pending pictures as workers would, and return how many got a vector.

    A picture's vector is `fake_vector` of its URL, so equal URLs are equal pictures, and a search by `image_url` finds
    its item first. Pictures whose URL is in `failing` fail with `reason`.
    """
    embedded = 0
    for job in services.ledger.active_jobs():
        # Take every queued chunk as one whose message was lost. Their numbers have gaps: a retry adds chunks after the finished ones.
        soon = services.ledger.clock() + 1.0
        for chunk in services.ledger.sweep(job, lost_before=soon, limit=MAX_CHUNKS):
            lease = services.ledger.lease(job, chunk, seconds=60)
            if isinstance(lease, Lease):
                embedded += _do(services, lease, failing, reason, space)
    return embedded


def _do(
    services: Services,
    lease: Lease,
    failing: Collection[str],
    reason: FailureReason,
    space: EmbeddingSpace,
) -> int:
    good = [image for image in lease.chunk.images if image.url not in failing]
    bad = [image for image in lease.chunk.images if image.url in failing]
    if good:
        services.store.ensure(lease.spec.collection, space)
        services.store.upsert(lease.spec.collection, _points(lease.spec, good, space))
    services.ledger.finish(
        lease,
        embedded=[image.ordinal for image in good],
        failures=[Failure(image, reason, str(reason), 1, 0.0) for image in bad],
    )
    return len(good)


def _points(spec: JobSpec, images: Sequence[ImageRef], space: EmbeddingSpace) -> PointBatch:
    now = datetime.now(UTC).isoformat()
    made = Provenance(spec.id, space.model, space.revision, space.policy, "00", None, now)
    return PointBatch(
        ids=[point_id(spec.collection, image.item_id, image.index) for image in images],
        vectors=np.stack([fake_vector(image.url.encode(), space.dimension) for image in images]),
        item_ids=[image.item_id for image in images],
        indexes=[image.index for image in images],
        urls=[image.url for image in images],
        fields=[image.payload for image in images],
        provenance=[made] * len(images),
    )
