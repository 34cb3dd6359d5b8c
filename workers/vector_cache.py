"""Vectors on disk by a key of 32 bytes: bounded, shared by the workers of a host, and never in anybody's way.

One SQLite file in the data directory. Reads are answered where they are asked (tens of microseconds beside the
milliseconds of a decoding); writes wait in memory for a thread that makes one transaction of many. Past its limit the file
loses what was written first. It is a cache: whatever goes wrong with it costs a message in the log, never a picture.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

FILE = "embeddings.sqlite3"
PENDING = 4096
"""Vectors that wait to be written; more are let go of, and embedded again another time. 12 MB of 768 numbers each."""
_AT_ONCE = 256
"""Vectors in one transaction: by so many the file may go beyond its limit."""
_PAGE_BYTES = 16_384
"""Five vectors of 768 numbers a page; SQLite's own 4,096 bytes would leave a quarter of each unused."""
_BUSY_SECONDS = 10.0
"""How long a writer waits for another process's."""
_KEPT_SHARE = 0.9
"""What is left of the limit after a clearing, so that not every write clears."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL)
"""


class VectorCache:
    """One process's part of the file; thread-safe. `limit` is in bytes of vectors and their keys."""

    def __init__(self, directory: Path, *, limit: int) -> None:
        """Open or make the file; raises `OSError` or `sqlite3.Error` where that cannot be."""
        directory.mkdir(parents=True, exist_ok=True)
        self._limit = limit
        self._pending: dict[bytes, NDArray[np.float32]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self.dropped = 0  #: Vectors that came faster than they could be written.
        self.path = directory / FILE
        self._writing = _connect(self.path)
        self._reading = _connect(self.path)
        self._read_turn = threading.Lock()
        self._thread = threading.Thread(target=self._write_on, name="vector-cache", daemon=True)
        self._thread.start()

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """The vector, float32 [dimension], that was kept under the key; None where there is none."""
        with self._changed:
            waiting = self._pending.get(key)
        if waiting is not None:
            return waiting
        row: tuple[bytes] | None = None
        with self._read_turn, _forgiving("read"):
            found = self._reading.execute("SELECT vector FROM vectors WHERE key = ?", (key,))
            row = found.fetchone()
        return None if row is None else np.frombuffer(row[0], "<f4").astype(np.float32)

    def keep(self, key: bytes, vector: NDArray[np.float32]) -> None:
        """Keep a vector; returns at once."""
        with self._changed:
            if len(self._pending) >= PENDING:
                self.dropped += 1
                return
            self._pending[key] = vector
            self._changed.notify()

    def __len__(self) -> int:
        """Vectors in the file, those of other processes included."""
        with self._read_turn:
            return int(self._reading.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def close(self) -> None:
        """Write what waits, and close; safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._writing.close()
        with self._read_turn:
            self._reading.close()

    # --- the writer's thread -------------------------------------------------------------------
    def _write_on(self) -> None:
        while batch := self._awaited():
            with _forgiving("written"):
                self._write(batch)
            with self._changed:
                # Only now: until it can be read from the file, it is found here.
                for key in batch:
                    del self._pending[key]

    def _awaited(self) -> dict[bytes, NDArray[np.float32]]:
        """What there is to write, as soon as there is something; nothing once all is written and it is closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closing)
            return dict(islice(self._pending.items(), _AT_ONCE))

    def _write(self, batch: Mapping[bytes, NDArray[np.float32]]) -> None:
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in batch.items()]
        with self._writing:
            self._writing.execute("BEGIN IMMEDIATE")
            self._writing.executemany(
                "INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows
            )
            self._clear()

    def _clear(self) -> None:
        """Delete what was written first, where the file holds more than its limit."""
        used, rows = self._used(), self._rows()
        if used <= self._limit or not rows:
            return
        surplus = max(1, round(rows * (1 - _KEPT_SHARE * self._limit / used)))
        self._writing.execute(
            "DELETE FROM vectors WHERE number IN (SELECT number FROM vectors ORDER BY number LIMIT ?)",
            (surplus,),
        )

    def _used(self) -> int:
        """Bytes of the pages that hold something."""
        pages, free, size = (
            int(self._writing.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _rows(self) -> int:
        return int(self._writing.execute("SELECT count(*) FROM vectors").fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
    )
    try:
        # Readers and the writer do not wait for each other, and a crash of the host loses the last writes at most.
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _forgiving(doing: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        log.warning("the cache of vectors could not be %s: %s", doing, error)
