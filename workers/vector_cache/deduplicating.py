"""The same picture is embedded once: by what it was kept as, or together with its like that is on the way already.

A vector is known by the SHA-256 of its picture's bytes and the embedding space that it is in (model, revision of its
weights, image policy). Another model, another revision, another policy: another vector.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vitrine.core.settings import Settings
from vitrine.store.base import EmbeddingSpace
from workers.vector_cache.cache import VectorCache

log = logging.getLogger(__name__)

Vector: TypeAlias = Future[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What became of the pictures so far."""

    found: int = 0  #: Had a vector, and were not decoded.
    missed: int = 0  #: Had none.
    joined: int = 0  #: Missed, and then had that of an equal picture which was on its way.


class DeduplicatingCache:
    """Known vectors of one worker; thread-safe."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache = cache
        self._under_way: dict[bytes, Vector] = {}
        self._lock = threading.Lock()
        self._counts = CacheCounts()

    @property
    def counts(self) -> CacheCounts:
        """How often it was of use."""
        return self._counts

    @property
    def dropped(self) -> int:
        """Vectors that were not kept for another time, see `VectorCache.dropped`."""
        return self._cache.dropped

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """The unit vector, float32 [dimension], of an equal picture; None where there is none yet."""
        found = self._cache.find(key)
        with self._lock:
            now = self._counts
            self._counts = replace(
                now,
                found=now.found + (found is not None),
                missed=now.missed + (found is None),
            )
        return found

    def offer(self, key: bytes, ask: Callable[[], Vector | None]) -> Vector | None:
        """The vector of a picture in bulk: known, on its way, or asked for; None where `ask` is refused.

        `ask` may not block: whoever comes with an equal picture meanwhile waits for what it brings.
        """
        with self._lock:
            future = self._existing(key)
            if future is not None:
                return future
            future = ask()
            if future is None:
                return None
            self._under_way[key] = future
        self.follow(key, future)
        return future

    def submit(self, key: bytes, ask: Callable[[], Vector]) -> Vector:
        """As `offer`, for one that may block, and is not refused."""
        promised: Vector = Future()
        with self._lock:
            future = self._existing(key)
            if future is not None:
                return future
            self._under_way[key] = promised
        self.follow(key, promised)
        try:
            ask().add_done_callback(lambda asked: _pass_on(asked, promised))
        except BaseException as error:
            promised.set_exception(error)
            raise
        return promised

    def follow(self, key: bytes, future: Vector) -> None:
        """Keep the vector that a future brings."""
        future.add_done_callback(lambda done: self._arrived(key, done))

    def _existing(self, key: bytes) -> Vector | None:
        """For who holds the lock. An equal picture was kept before it was taken from those under way."""
        future = self._under_way.get(key)
        if future is None and (vector := self._cache.find(key)) is not None:
            future = resolved_future(vector)
        if future is not None:
            self._counts = replace(self._counts, joined=self._counts.joined + 1)
        return future

    def _arrived(self, key: bytes, future: Vector) -> None:
        if not future.cancelled() and future.exception() is None:
            self._cache.keep(key, future.result())
        with self._lock:
            if self._under_way.get(key) is future:
                del self._under_way[key]

    def close(self) -> None:
        """Write what is not written yet."""
        self._cache.close()


def resolved_future(vector: NDArray[np.float32]) -> Vector:
    """A vector as one that has come."""
    future: Vector = Future()
    future.set_result(vector)
    return future


def _pass_on(asked: Vector, promised: Vector) -> None:
    if asked.cancelled():
        promised.cancel()
    elif (error := asked.exception()) is not None:
        promised.set_exception(error)
    else:
        promised.set_result(asked.result())


def open_deduplicating_cache(settings: Settings) -> DeduplicatingCache | None:
    """What the settings ask for; None where they ask for none, or the file cannot be had, which the log says.

    Why vectors are kept, in a file a host and by default: docs/decisions/0006-known-vectors.md.
    """
    if not settings.embedding_cache_bytes:
        return None
    try:
        return DeduplicatingCache(
            VectorCache(settings.data_dir, limit=settings.embedding_cache_bytes)
        )
    except (OSError, sqlite3.Error) as error:
        log.warning("works without a cache of vectors in %s: %s", settings.data_dir, error)
        return None


def vector_key(space: EmbeddingSpace, content_sha256: str) -> bytes:
    """32 bytes that stand for one content in one space."""
    told = f"{space.model}\0{space.revision}\0{space.policy}\0{space.dimension}\0{content_sha256}"
    return hashlib.sha256(told.encode()).digest()
