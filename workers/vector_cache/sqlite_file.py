"""The file of known vectors: one SQLite file in the data directory, bounded, shared by the workers of a host.

Keys are digests and come in no order, so each new one touches a page of the index of its own; rows lie one behind the
other by number, so that what was written first is what is taken away first.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

FILE = "embeddings.sqlite3"
_PAGE_BYTES = 16_384
"""Five vectors of 768 numbers a page; SQLite's own 4,096 bytes would leave a quarter of each unused."""
_LOG_BYTES = 64 * 1024 * 1024
"""What is kept of the write-ahead log once it has been read back into the file."""
_BUSY_SECONDS = 10.0
"""How long a writer waits for another process's."""
_AGAIN_SECONDS = 0.02
_KEPT_SHARE = 0.98
"""What is left of the limit after a clearing: not every write clears, and none holds the others up for long."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL)
"""


class SqliteVectorFile:
    """One process's connections: one writes, one reads in any thread. Methods raise `sqlite3.Error`."""

    def __init__(self, directory: Path, *, limit: int) -> None:
        """Open or make it; one that is damaged is made anew. Raises `OSError` or `sqlite3.Error`."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE
        self._limit = limit
        self._writing = _opened(self.path)
        self._reading = _opened(self.path)
        self._read_turn = threading.Lock()

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """The vector, float32 [dimension], under the key; None where there is none."""
        with self._read_turn:
            found = self._reading.execute("SELECT vector FROM vectors WHERE key = ?", (key,))
            row: tuple[bytes] | None = found.fetchone()
        return None if row is None else np.frombuffer(row[0], "<f4").astype(np.float32)

    def write(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Keep them in one transaction, and take the oldest away past the limit; one thread's alone."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._writing:
            self._writing.execute("BEGIN IMMEDIATE")
            self._writing.executemany(
                "INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows
            )
            self._clear()

    def __len__(self) -> int:
        """Vectors in the file, those of other processes included."""
        with self._read_turn:
            return int(self._reading.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def close(self) -> None:
        """Close both; safe to call twice."""
        self._writing.close()
        with self._read_turn:
            self._reading.close()

    def discard(self) -> None:
        """Take a damaged file away, so that the next worker begins with an empty one."""
        with suppress(OSError):
            _remove(self.path)

    def _clear(self) -> None:
        used = self._used()
        if used <= self._limit:
            return
        # Counting a million rows reads their whole index; rows come and go at the ends, so the ends tell how many.
        first, last = self._writing.execute(
            "SELECT min(number), max(number) FROM vectors"
        ).fetchone()
        if first is not None:
            surplus = max(1, round((last - first + 1) * (1 - _KEPT_SHARE * self._limit / used)))
            self._writing.execute("DELETE FROM vectors WHERE number < ?", (first + surplus,))

    def _used(self) -> int:
        """Bytes of the pages that hold something."""
        pages, free, size = (
            int(self._writing.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, rather than busy, full or out of reach for now."""
    return _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for what it did not say itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _opened(path: Path) -> sqlite3.Connection:
    """A connection; raises `sqlite3.Error`, and `OSError` for a damaged file that cannot be taken away."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return _connect(path)
        except sqlite3.Error as error:
            if is_damage(error):
                log.warning("the known vectors in %s are damaged (%s): beginning anew", path, error)
                _remove(path)
            elif _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        # Workers that start together each turn a new file's log on, for which SQLite does not wait by itself.
        time.sleep(_AGAIN_SECONDS)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
    )
    try:
        # Readers and the writer do not wait for each other, and a crash of the host loses the last writes at most.
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
