"""Chunks get their marks: a digest of everything planned so far, which tells a resume whether a file is still the same.

The digest runs over the pictures as the ledger writes them down (ordinal, item, position, URL, payload), so two
catalogs have the same marks up to the chunk in which they part, and other ones from there on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from vitrine.ledger.base import MARK_BYTES, NewChunk
from vitrine.ledger.codec import image_rows


def with_checksums(chunks: Iterable[NewChunk]) -> Iterator[NewChunk]:
    """The chunks of one job from its first on, each with its mark."""
    running = blake2b(digest_size=MARK_BYTES)
    for chunk in chunks:
        rows = image_rows(chunk.images)
        running.update(rows)
        yield chunk._replace(mark=running.digest(), rows=rows)
