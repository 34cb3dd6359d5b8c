"""Caches vectors under 32-byte keys: a separate thread writes them to disk, so callers never wait for it.

    keep ──▶ pending (can be found) ──in transactions──▶ the file shared by the host's workers ◀── find

Reads happen in the calling thread (tens of microseconds, against milliseconds for decoding). It is only a cache: an
error costs a log message, never a picture, and it keeps disk space free for data that is not a cache.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.vector_cache.sqlite_file import SqliteVectorFile, is_damage

log = logging.getLogger(__name__)

PENDING = 4096
"""Limit of vectors waiting to be written; above it they are dropped, and embedded again another time. 12 MB at 768 numbers
per vector."""
AT_ONCE = 1024
"""Vectors per transaction; the file may exceed its limit by this many."""
GATHER_SECONDS = 1.0
"""How long the first vector of a transaction waits for more; a killed worker loses no more than that."""
SPARE_BYTES = 2 * 2**30
"""Nothing is written while the disk has less free space than this: the store and Redis may use the same disk."""
_SAID_EVERY = 60.0
"""Minimum seconds between log lines about repeated errors."""


class VectorCache:
    """One process's access to the shared file. Thread-safe."""

    def __init__(self, directory: Path, *, limit: int, spare: int = SPARE_BYTES) -> None:
        """Open or create the file, limited to `limit` bytes; raises `OSError` or `sqlite3.Error` if that fails."""
        self._file = SqliteVectorFile(directory, limit=limit)
        self._spare = spare
        self._pending: dict[bytes, NDArray[np.float32]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._damaged = False
        self._said = -_SAID_EVERY
        self.dropped = 0
        """Vectors that were not stored: they came faster than they could be written, or the disk was too full."""
        self._thread = threading.Thread(target=self._write_on, name="vector-cache", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._file.path

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """Return the vector, float32 [dimension], stored under the key; None if there is none."""
        with self._changed:
            waiting = self._pending.get(key)
        if waiting is not None:
            return waiting
        found: NDArray[np.float32] | None = None
        if not self._damaged:
            with self._forgiving("read"):
                found = self._file.find(key)
        return found

    def keep(self, key: bytes, vector: NDArray[np.float32]) -> None:
        """Store a vector; returns immediately."""
        with self._changed:
            if self._damaged or len(self._pending) >= PENDING:
                self.dropped += 1
                return
            self._pending[key] = vector
            if len(self._pending) in (1, AT_ONCE):  # the two sizes that the writer waits for
                self._changed.notify()

    def __len__(self) -> int:
        """Return the number of vectors in the file, including those of other processes."""
        return len(self._file)

    def close(self) -> None:
        """Write the pending vectors and close; safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._file.close()

    # --- the writer's thread -------------------------------------------------------------------
    def _write_on(self) -> None:
        while batch := self._awaited():
            kept = False
            with self._forgiving("written"):
                kept = self._write(batch)
            with self._changed:
                self.dropped += 0 if kept else len(batch)
                # Only remove them now: until a vector can be read from the file, it must be found here.
                for key in batch:
                    del self._pending[key]

    def _awaited(self) -> dict[bytes, NDArray[np.float32]]:
        """Wait for a full transaction or the time limit and return the vectors to write; empty when closing and done."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closing)
            self._changed.wait_for(
                lambda: len(self._pending) >= AT_ONCE or self._closing, GATHER_SECONDS
            )
            return dict(islice(self._pending.items(), AT_ONCE))

    def _write(self, batch: dict[bytes, NDArray[np.float32]]) -> bool:
        """Write a batch; return whether it is in the file now."""
        free = shutil.disk_usage(self.path.parent).free
        if free < self._spare:
            self._say(
                "%s has only %d MiB left; vectors are not cached", self.path.parent, free >> 20
            )
        elif not self._damaged:
            self._file.write(batch)
            return True
        return False

    # --- what goes wrong -----------------------------------------------------------------------
    @contextmanager
    def _forgiving(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            self._say("the cache of vectors could not be %s: %s", doing, error)
            if isinstance(error, sqlite3.Error) and is_damage(error):
                self._damaged = True
                self._file.discard()

    def _say(self, message: str, *told: object) -> None:
        now = time.monotonic()
        if now - self._said >= _SAID_EVERY:
            self._said = now
            log.warning(message, *told)
