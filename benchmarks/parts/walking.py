"""A worker's whole processing without network, model and store: what remains is vitrine's own cost per picture.

Messages come from the real queue, chunks are leased and finished in the real ledger, and every picture goes through
the real stages: decoded (a picture of 16 x 16 pixels in memory), batched, normalised, made a point. The model returns
immediately, and the store discards everything.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from vitrine.ledger.base import Ledger
from vitrine.messaging.broker import BROKER_PREFIX, ingest_queue
from vitrine.store.base import PointBatch
from vitrine.testing.memory_store import MemoryStore
from workers.batching import Batcher
from workers.fetch.result import FetchedPicture
from workers.image import Picture
from workers.image_decoder import ImageDecoder
from workers.images.decode_pool import DecodePool
from workers.ingest.chunk_worker import ChunkWorker
from workers.ingest.leases import LeaseKeeper
from workers.ingest.retries import RetryPolicy
from workers.ingest.retry_ledger import LedgerRetry
from workers.ingest.upsert import ChunkStore
from workers.models.base import Inputs
from workers.stages import Stages

THREADS = 3
"""Chunks in progress concurrently, as in a worker."""
LEASE_SECONDS = 30.0
_SIDE = 16


class InstantModel:
    """Returns the same vector for every picture."""

    name = "none"
    revision = "none-1"
    device = "cpu"
    dimension = 8
    supports_text = False

    def preprocess(self, picture: Picture) -> Inputs:
        """Return the unchanged pixels, uint8."""
        return {"pixel_values": np.asarray(picture)}

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Return ones."""
        return np.ones((len(batch), self.dimension), np.float32)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return ones."""
        return np.ones((len(texts), self.dimension), np.float32)


class HeldPicture:
    """Returns the same bytes for every URL, immediately."""

    def __init__(self) -> None:
        data = io.BytesIO()
        Image.new("RGB", (_SIDE, _SIDE), (200, 80, 40)).save(data, "JPEG")
        self._data = data.getvalue()

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:  # noqa: ARG002 - the protocol names it
        """Return a future that is already done."""
        future: Future[FetchedPicture] = Future()
        future.set_result(FetchedPicture(self._data, url, 200))
        return future

    def close(self) -> None:
        """Do nothing, because nothing is running."""


class ForgetfulStore(MemoryStore):
    """Counts points and keeps none, because storing a million would dominate the measurement."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    def upsert(self, collection: str, batch: PointBatch) -> None:  # noqa: ARG002 - the protocol names it
        """Count the points."""
        self.written += len(batch.ids)


@contextmanager
def walking(ledger: Ledger) -> Iterator[ChunkWorker]:
    """Run a worker with these three for the duration of the block."""
    model = InstantModel()
    batcher = Batcher(model, size=64, wait=0.002)
    stages = Stages(
        model, HeldPicture(), DecodePool(1, budget=1 << 28), batcher, ImageDecoder(10**6)
    )
    keeper = LeaseKeeper(ledger, seconds=LEASE_SECONDS)
    batcher.start()
    keeper.start()
    try:
        yield ChunkWorker(
            ledger=ledger,
            store=ChunkStore(ForgetfulStore(), stages.space),
            stages=stages,
            keeper=keeper,
            retries=RetryPolicy(3, 3),
            lease_seconds=LEASE_SECONDS,
            window=64,
            fetch_files=False,
            stopping=_no,
            patience=LedgerRetry(_no),
        )
    finally:
        stages.close()
        keeper.close()


def walk_all(worker: ChunkWorker, redis: Redis, model: str) -> None:
    """Process the chunks of every message in the model's queue, in `THREADS` threads."""
    queue = f"{BROKER_PREFIX}{ingest_queue(model)}"
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set() and (message := cast("bytes | None", redis.rpop(queue))):
            _, job, number = json.loads(base64.b64decode(json.loads(message)["body"]))[0]
            worker.ingest(job, number)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="walk") as threads:
        running = [threads.submit(work) for _ in range(THREADS)]
        try:
            for one in running:
                one.result()
        finally:
            stop.set()


def _no() -> bool:
    return False
