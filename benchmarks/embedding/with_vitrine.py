"""vitrine's engine without network, queue and store: decoders, batcher and model with a worker's settings."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from benchmarks.embedding.serve import Embed, serve
from benchmarks.environments import cache_folder
from vitrine.core.settings import Settings
from vitrine.core.types import CHUNK_SIZE
from workers.batching import Batcher, Lane
from workers.batching.batch_size_store import BatchSizeStore
from workers.batching.warm_up import UNTRIED_BATCH, warm_up
from workers.fetch.result import FetchedPicture
from workers.image_decoder import decoder_for
from workers.images.decode_pool import DecodePool
from workers.models.factory import open_model
from workers.models.threads import single_threaded
from workers.stages import PreparedPicture, Stages


class NoSource:
    """A source without pictures, because they are already in memory."""

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        """Refuse every request."""
        raise LookupError(url, file_root)

    def close(self) -> None:
        """Do nothing, because nothing is running."""


def open_embedder(folder: str) -> Embed:
    """Open a worker's stages for one model."""
    settings = Settings(model=folder, device="cpu", data_dir=cache_folder() / "vitrine")
    model = open_model(folder, device="cpu", preprocess=settings.preprocess)
    size = settings.batch_size or UNTRIED_BATCH
    batcher = Batcher(model, size=size, wait=settings.batch_wait_ms / 1000)
    decoders = DecodePool(
        settings.decode_threads, budget=settings.decode_memory_bytes, begin_thread=single_threaded
    )
    stages = Stages(model, NoSource(), decoders, batcher, decoder_for(model, settings))
    batcher.start()
    remembered = BatchSizeStore(settings.data_dir)
    warm_up(model, batcher, batch_size=settings.batch_size, remembered=remembered)

    window = settings.ingest_threads * CHUNK_SIZE  # pictures that a worker has in progress

    def embed(jpegs: Sequence[bytes]) -> object:
        return _through(stages, jpegs, window)

    return embed


def _through(stages: Stages, jpegs: Sequence[bytes], window: int) -> list[NDArray[np.float32]]:
    """Run all pictures through the stages in order, with up to `window` of them between the first two stages."""
    decoding: deque[Future[PreparedPicture]] = deque()
    embedding: list[Future[NDArray[np.float32]]] = []
    waiting = iter(jpegs)
    for jpeg in waiting:
        decoding.append(_begun(stages, jpeg))
        if len(decoding) == window:
            embedding.append(_next(stages, decoding))
    while decoding:
        embedding.append(_next(stages, decoding))
    return [future.result() for future in embedding]


def _begun(stages: Stages, jpeg: bytes) -> Future[PreparedPicture]:
    return stages.prepare(FetchedPicture(jpeg, "", 200), lane=Lane.BULK)


def _next(stages: Stages, decoding: deque[Future[PreparedPicture]]) -> Future[NDArray[np.float32]]:
    return stages.batcher.submit(decoding.popleft().result().inputs, lane=Lane.BULK)


if __name__ == "__main__":
    serve(open_embedder)
