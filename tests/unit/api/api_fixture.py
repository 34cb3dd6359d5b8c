"""The API over in-memory parts: a small collection, a worker that replies, and a list of published messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from api.app import create_app
from api.dependencies import Services
from vitrine.core.api_keys import Keyring
from vitrine.core.settings import Settings
from vitrine.core.types import Failure, FailureReason, ImageRef, Payload, point_id
from vitrine.ledger import Lease
from vitrine.store import EmbeddingSpace, PointBatch, Provenance, VectorStore
from vitrine.testing.fake_query_client import FakeQueryClient, fake_vector
from vitrine.testing.memory_ledger import MemoryLedger
from vitrine.testing.memory_services import MemoryPublisher, memory_services
from vitrine.testing.memory_store import MemoryStore

SPACE = EmbeddingSpace("builtin", "r1", "p1", 16)
PROBLEM = "application/problem+json"


@dataclass
class Stage:
    """All the parts that a test may inspect or change."""

    parts: Services
    app: FastAPI
    client: TestClient
    ledger: MemoryLedger
    store: MemoryStore
    query_client: FakeQueryClient
    outbox: MemoryPublisher

    def job(self, images: int = 3, **overrides: Any) -> str:
        """Submit a job of this many items with one picture each; return its id."""
        items = [
            {"id": f"i{n}", "images": [f"https://h{n % 2}.example/{n}.jpg"]} for n in range(images)
        ]
        answer = self.client.post(
            "/v1/jobs", json={"collection": "summer", "items": items} | overrides
        )
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["job"]["id"]
        return job_id

    def finish(self, job: str, reasons: Sequence[FailureReason | None]) -> None:
        """Record an outcome for every picture of the job's first chunk: a reason, or None for embedded."""
        lease = self.ledger.lease(job, 0, seconds=60)
        assert isinstance(lease, Lease)
        outcomes = list(zip(lease.chunk.images, reasons, strict=True))
        self.ledger.finish(
            lease,
            embedded=[image.ordinal for image, reason in outcomes if reason is None],
            failures=[_failed(image, reason) for image, reason in outcomes if reason is not None],
        )


def _failed(image: ImageRef, reason: FailureReason) -> Failure:
    return Failure(image, reason, f"detail of {image.item_id}", attempts=2, failed_at=1_700_000_000)


def put(store: VectorStore, name: str, *points: tuple[str, int, bytes, Payload]) -> None:
    """Store pictures, given as item id, index, bytes whose fake vector is used, and the item's fields."""
    vectors: NDArray[np.float32] = np.stack(
        [fake_vector(data, SPACE.dimension) for _, _, data, _ in points]
    )
    put_vectors(store, name, vectors, [(item, index, fields) for item, index, _, fields in points])


def put_vectors(
    store: VectorStore,
    name: str,
    vectors: NDArray[np.float32],
    rows: Sequence[tuple[str, int, Payload]],
) -> None:
    """Store these vectors, float32 [n, dimension], with an item id, index and fields for each."""
    made = Provenance("job", SPACE.model, SPACE.revision, SPACE.policy, "00", None, "2026-01-01")
    store.ensure(name, SPACE)
    store.upsert(
        name,
        PointBatch(
            ids=[point_id(name, item, index) for item, index, _ in rows],
            vectors=vectors,
            item_ids=[item for item, _, _ in rows],
            indexes=[index for _, index, _ in rows],
            urls=[f"https://shop.example/{item}/{index}.jpg" for item, index, _ in rows],
            fields=[fields for _, _, fields in rows],
            provenance=[made] * len(rows),
        ),
    )


def make_stage(settings: Settings, keyring: Keyring | None = None) -> Stage:
    """Return a stage with an empty store, whose client uses the loopback address."""
    parts = memory_services(settings, SPACE)
    ledger, store, lane, outbox = parts.ledger, parts.store, parts.query_client, parts.publisher
    assert isinstance(ledger, MemoryLedger)
    assert isinstance(store, MemoryStore)
    assert isinstance(lane, FakeQueryClient)
    assert isinstance(outbox, MemoryPublisher)
    app = create_app(parts, keyring)
    client = TestClient(app, "http://127.0.0.1:8080", raise_server_exceptions=False)
    return Stage(parts, app, client, ledger, store, lane, outbox)


def problem_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check the form of an error response, and return its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:vitrine:problem:{code}"
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    return body
