"""Items to chunks, and chunks to batches.

Every picture gets the next ordinal, and every 64 pictures make a chunk. An item's pictures may fall into two
chunks; the item counts in the first. Each batch of chunks is one write to the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from vitrine.core.types import CHUNK_SIZE, CatalogItem, ImageRef
from vitrine.ledger.base import CHECKSUM_BYTES, NewChunk
from vitrine.ledger.codec import image_rows

BATCH_CHUNKS = 16
"""Chunks per write: 1,024 pictures, about 50 KB. A round trip costs 250 us of CPU at both ends, so larger writes would gain little."""
BATCH_SECONDS = 0.1
"""The longest that a chunk of a slow source waits for others."""


def plan_chunks(items: Iterable[CatalogItem], *, size: int = CHUNK_SIZE) -> Iterator[NewChunk]:
    """Yield chunks of `size` pictures, the last one shorter; ordinals count from 0 without gaps."""
    images: list[ImageRef] = []
    begun = 0
    ordinal = 0
    for item in items:
        begun += 1
        for index, url in enumerate(item.images):
            images.append(ImageRef(ordinal, item.id, index, url, item.payload))
            ordinal += 1
            if len(images) == size:
                yield NewChunk(images, begun)
                images, begun = [], 0
    if images:
        yield NewChunk(images, begun)


def chunk_batches(
    chunks: Iterable[NewChunk], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[list[NewChunk]]:
    """Yield batches of up to `BATCH_CHUNKS` chunks, smaller if the chunks arrive slowly."""
    batch: list[NewChunk] = []
    began = clock()
    for chunk in chunks:
        batch.append(chunk)
        if len(batch) == BATCH_CHUNKS or clock() - began >= BATCH_SECONDS:
            yield batch
            batch = []
            began = clock()
    if batch:
        yield batch


def with_checksums(chunks: Iterable[NewChunk]) -> Iterator[NewChunk]:
    """Yield the chunks of one job, from its first, each with its mark."""
    running = blake2b(digest_size=CHECKSUM_BYTES)
    for chunk in chunks:
        rows = image_rows(chunk.images)
        running.update(rows)
        yield chunk._replace(mark=running.digest(), rows=rows)
