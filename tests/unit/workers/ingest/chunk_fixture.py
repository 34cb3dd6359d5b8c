"""A chunk worker over fakes, with the real decoder, for the ingest tests."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeAlias

from PIL import Image

from vitrine.core.types import ImageRef, ItemFailure, JobSpec, new_job_id
from vitrine.ledger import NewChunk
from vitrine.store.base import VectorStore
from vitrine.testing.memory_ledger import MemoryLedger
from vitrine.testing.memory_store import MemoryStore
from vitrine.testing.worker_fakes import FakeModel, FakePictureSource
from workers.batching import Batcher
from workers.image_decoder import ImageDecoder
from workers.images.decode_pool import DecodePool
from workers.ingest.chunk_worker import ChunkWorker, Report
from workers.ingest.leases import LeaseKeeper
from workers.ingest.retries import RetryPolicy
from workers.ingest.retry_ledger import LedgerRetry
from workers.ingest.upsert import ChunkStore
from workers.stages import Stages

Colour = tuple[int, int, int]
Answer: TypeAlias = bytes | ItemFailure | Sequence[bytes | ItemFailure]


def png(colour: Colour) -> bytes:
    """Return the bytes of a flat picture."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(file, "PNG")
    return file.getvalue()


def url(n: int) -> str:
    """Return the URL of the n-th picture."""
    return f"https://shop.example/{n}.png"


class Workshop:
    """One worker process in miniature."""

    def __init__(
        self,
        pictures: Mapping[str, Answer],
        *,
        model: FakeModel | None = None,
        ledger: MemoryLedger | None = None,
        store: VectorStore | None = None,
        store_patience: float = 0.0,
        rounds: int = 1,
        patience: float = 0.0,
        window: int = 4,
        source: FakePictureSource | None = None,
    ) -> None:
        self.ledger = ledger or MemoryLedger()
        self.store = store or MemoryStore()
        self.model = model or FakeModel()
        self.source = source or FakePictureSource(pictures)
        self.batcher = Batcher(self.model, size=16, wait=0.001)
        self.stages = Stages(
            self.model,
            self.source,
            DecodePool(2, budget=1 << 28),
            self.batcher,
            ImageDecoder(max_pixels=1_000_000),
        )
        self.keeper = LeaseKeeper(self.ledger, seconds=60)
        self.stopping = False
        self.worker = ChunkWorker(
            ledger=self.ledger,
            store=ChunkStore(self.store, self.stages.space, patience=store_patience),
            stages=self.stages,
            keeper=self.keeper,
            retries=RetryPolicy(attempts=2, rounds=rounds),
            lease_seconds=60,
            window=window,
            fetch_files=False,
            stopping=lambda: self.stopping,
            patience=LedgerRetry(lambda: self.stopping, seconds=patience),
        )

    def __enter__(self) -> Self:
        self.batcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stages.close()

    def job(self, count: int, *, first: int = 0) -> str:
        """Create a sealed job of one chunk, with the pictures from `first` on."""
        spec = JobSpec(new_job_id(), "shop", "fake", "test", created_at=time.time())
        self.ledger.create(spec)
        images = [
            ImageRef(n, f"item-{n // 2}", n % 2, url(first + n), {"n": n}) for n in range(count)
        ]
        self.ledger.add_chunks(spec.id, [NewChunk(images, count)])
        self.ledger.seal(spec.id)
        return spec.id

    def ingest(self, job: str, number: int = 0) -> Report:
        """Ingest one chunk."""
        return self.worker.ingest(job, number)

    def use(self, chunks: ChunkStore) -> None:
        """Replace the worker's store."""
        self.worker = replace(self.worker, store=chunks)

    def points(self) -> set[tuple[str, int]]:
        """Return the items and indexes in the store."""
        stored = self.store.scroll("shop", with_vectors=False)
        return {(point.payload["item_id"], point.payload["image_index"]) for point in stored}
