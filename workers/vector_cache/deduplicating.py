"""Embeds identical pictures only once: takes the vector from the cache, or shares that of a picture in progress.

The key of a vector is the SHA-256 of its picture's bytes together with its embedding space (model, revision, image
policy, dimension). A different model, revision or policy means a different vector.
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
    """How many pictures were found or not so far."""

    found: int = 0  #: Had a cached vector, so they were not decoded.
    missed: int = 0  #: Had no cached vector.
    joined: int = 0  #: Missed, but then shared the vector of an identical picture in progress.


class DeduplicatingCache:
    """The vector cache of one worker. Thread-safe."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache = cache
        self._under_way: dict[bytes, Vector] = {}
        self._lock = threading.Lock()
        self._counts = CacheCounts()

    @property
    def counts(self) -> CacheCounts:
        """How often vectors were found, missed and shared."""
        return self._counts

    @property
    def dropped(self) -> int:
        """Vectors that were not stored, see `VectorCache.dropped`."""
        return self._cache.dropped

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """Return the unit vector, float32 [dimension], of an identical picture; None if there is none yet."""
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
        """Return a bulk picture's vector: cached, in progress, or newly requested; None if `ask` returns None.

        `ask` must not block, because it is called under the lock.
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
        """Like `offer`, but `ask` may block and always returns a future."""
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
        """Store a future's vector when it arrives."""
        future.add_done_callback(lambda done: self._arrived(key, done))

    def _existing(self, key: bytes) -> Vector | None:
        """Look for a cached or pending vector, under the lock.

        `_arrived` stores a vector before it removes its future, so an identical picture is found in one of the two.
        """
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
        """Write the pending vectors and close the cache."""
        self._cache.close()


def resolved_future(vector: NDArray[np.float32]) -> Vector:
    """Wrap a known vector in a resolved future."""
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
    """Open the cache that the settings describe; None if it is off, or if the file cannot be opened (logged).

    docs/decisions/0006-known-vectors.md explains why vectors are cached by default, in one file per host.
    """
    if not settings.embedding_cache_bytes:
        return None
    try:
        return DeduplicatingCache(
            VectorCache(settings.data_dir, limit=settings.embedding_cache_bytes)
        )
    except (OSError, sqlite3.Error) as error:
        log.warning("the vector cache in %s cannot be used: %s", settings.data_dir, error)
        return None


def vector_key(space: EmbeddingSpace, content_sha256: str) -> bytes:
    """Return the 32-byte key of one content in one embedding space."""
    told = f"{space.model}\0{space.revision}\0{space.policy}\0{space.dimension}\0{content_sha256}"
    return hashlib.sha256(told.encode()).digest()
