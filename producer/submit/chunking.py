"""Items to chunks, chunks to batches of them.

Every picture gets the next ordinal, every 64 pictures make a chunk; an item's pictures may fall into two
chunks, and it counts in the one where it begins. Some chunks together are one write to the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from vitrine.core.types import CHUNK_SIZE, CatalogItem, ImageRef
from vitrine.ledger.base import CHECKSUM_BYTES, NewChunk
from vitrine.ledger.codec import image_rows

BATCH_CHUNKS = 16
"""Chunks a write: 1,024 pictures, some 50 KB. A round trip costs 250 us of CPU at both ends, so more would gain little."""
BATCH_SECONDS = 0.1
"""A chunk of a slow source is not kept waiting for others longer than this."""


def plan_chunks(items: Iterable[CatalogItem], *, size: int = CHUNK_SIZE) -> Iterator[NewChunk]:
    """Chunks of `size` pictures, the last one shorter; ordinals run on from 0 without a gap."""
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
    """Up to `BATCH_CHUNKS` chunks together; fewer where they come slowly."""
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
    """The chunks of one job from its first on, each with its mark."""
    running = blake2b(digest_size=CHECKSUM_BYTES)
    for chunk in chunks:
        rows = image_rows(chunk.images)
        running.update(rows)
        yield chunk._replace(mark=running.digest(), rows=rows)
