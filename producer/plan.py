"""Items to chunks: every picture gets the next ordinal, every 64 pictures make a chunk.

An item's pictures may fall into two chunks; it counts in the one where it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vitrine.contracts import CHUNK_SIZE, CatalogItem, ImageRef


class PlannedChunk(NamedTuple):
    """Pictures for one `Ledger.add_chunk`, and how many items begin among them."""

    images: list[ImageRef]
    items: int


def plan(items: Iterable[CatalogItem], *, size: int = CHUNK_SIZE) -> Iterator[PlannedChunk]:
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
                yield PlannedChunk(images, begun)
                images, begun = [], 0
    if images:
        yield PlannedChunk(images, begun)
