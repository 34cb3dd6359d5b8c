"""Known vectors by a key of 32 bytes: kept on disk by a thread of their own, and never in anybody's way.

    keep ──▶ those that wait (found at once) ──a second's together──▶ the file of the host's workers ◀── find

Reads are answered where they are asked (tens of microseconds beside the milliseconds of a decoding). It is a cache:
whatever goes wrong with it costs a message in the log, never a picture, and it leaves the disk room for what is none.
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
"""Vectors that wait to be written; more are let go of, and embedded again another time. 12 MB of 768 numbers each."""
AT_ONCE = 1024
"""Vectors in one transaction: by so many the file may go beyond its limit."""
GATHER_SECONDS = 1.0
"""How long the first of a transaction waits for company; a worker that is killed loses no more than that."""
SPARE_BYTES = 2 * 2**30
"""Nothing is kept while the disk has less room than this: the same disk may be the store's and Redis's."""
_SAID_EVERY = 60.0
"""Seconds between two lines in the log about what goes wrong again and again."""


class VectorCache:
    """One process's part of the file; thread-safe."""

    def __init__(self, directory: Path, *, limit: int, spare: int = SPARE_BYTES) -> None:
        """Open or make the file, of `limit` bytes at most; raises `OSError` or `sqlite3.Error` where that cannot be."""
        self._file = SqliteVectorFile(directory, limit=limit)
        self._spare = spare
        self._pending: dict[bytes, NDArray[np.float32]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._damaged = False
        self._said = -_SAID_EVERY
        self.dropped = 0
        """Vectors that were not kept: they came faster than they could be written, or the disk had no room."""
        self._thread = threading.Thread(target=self._write_on, name="vector-cache", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """The vector, float32 [dimension], that was kept under the key; None where there is none."""
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
        """Keep a vector; returns at once."""
        with self._changed:
            if self._damaged or len(self._pending) >= PENDING:
                self.dropped += 1
                return
            self._pending[key] = vector
            if len(self._pending) in (1, AT_ONCE):  # what the writer waits for
                self._changed.notify()

    def __len__(self) -> int:
        """Vectors in the file, those of other processes included."""
        return len(self._file)

    def close(self) -> None:
        """Write what waits, and close; safe to call twice."""
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
                # Only now: until it can be read from the file, it is found here.
                for key in batch:
                    del self._pending[key]

    def _awaited(self) -> dict[bytes, NDArray[np.float32]]:
        """What there is to write, once it is a transaction's worth or has waited; nothing once all is written and it is closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closing)
            self._changed.wait_for(
                lambda: len(self._pending) >= AT_ONCE or self._closing, GATHER_SECONDS
            )
            return dict(islice(self._pending.items(), AT_ONCE))

    def _write(self, batch: dict[bytes, NDArray[np.float32]]) -> bool:
        """Whether they are in the file now."""
        free = shutil.disk_usage(self.path.parent).free
        if free < self._spare:
            self._say("%s has %d MiB left: no vectors are kept", self.path.parent, free >> 20)
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
