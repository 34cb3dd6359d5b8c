"""The vector cache's file: one SQLite file of limited size in the data directory, shared by the workers of a host.

Keys are digests in random order, so each new key touches a different page of the index. Rows are stored by number, so
that the oldest can be deleted first.
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
"""Five vectors of 768 numbers per page; SQLite's default of 4,096 bytes would leave a quarter of each page unused."""
_LOG_BYTES = 64 * 1024 * 1024
"""Size to which the write-ahead log is truncated after a checkpoint."""
_BUSY_SECONDS = 10.0
"""How long a writer waits for another process's writer."""
_AGAIN_SECONDS = 0.02
_KEPT_SHARE = 0.98
"""Share of the limit that stays after old rows are deleted, so that not every write deletes and no write takes long."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL)
"""


class SqliteVectorFile:
    """One process's connections: one for its writer thread, one for reads from any thread. Methods raise `sqlite3.Error`."""

    def __init__(self, directory: Path, *, limit: int) -> None:
        """Open or create the file, and replace a damaged one. Raises `OSError` or `sqlite3.Error`."""
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE
        self._limit = limit
        self._writing = _opened(self.path)
        self._reading = _opened(self.path)
        self._read_turn = threading.Lock()

    def find(self, key: bytes) -> NDArray[np.float32] | None:
        """Return the vector, float32 [dimension], under the key; None if there is none."""
        with self._read_turn:
            found = self._reading.execute("SELECT vector FROM vectors WHERE key = ?", (key,))
            row: tuple[bytes] | None = found.fetchone()
        return None if row is None else np.frombuffer(row[0], "<f4").astype(np.float32)

    def write(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Store vectors in one transaction, and delete the oldest above the limit. Call it from one thread only."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._writing:
            self._writing.execute("BEGIN IMMEDIATE")
            self._writing.executemany(
                "INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows
            )
            self._clear()

    def __len__(self) -> int:
        """Return the number of vectors in the file, including those of other processes."""
        with self._read_turn:
            return int(self._reading.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def close(self) -> None:
        """Close both connections; safe to call twice."""
        self._writing.close()
        with self._read_turn:
            self._reading.close()

    def discard(self) -> None:
        """Delete a damaged file, so that the next worker starts with an empty one."""
        with suppress(OSError):
            _remove(self.path)

    def _clear(self) -> None:
        used = self._used()
        if used <= self._limit:
            return
        # Counting a million rows reads the whole index. Rows are added and deleted only at the ends, so the numbers of
        # the first and last row give the count.
        first, last = self._writing.execute(
            "SELECT min(number), max(number) FROM vectors"
        ).fetchone()
        if first is not None:
            surplus = max(1, round((last - first + 1) * (1 - _KEPT_SHARE * self._limit / used)))
            self._writing.execute("DELETE FROM vectors WHERE number < ?", (first + surplus,))

    def _used(self) -> int:
        """Return the bytes of the pages in use."""
        pages, free, size = (
            int(self._writing.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is damaged, rather than busy, full or temporarily inaccessible."""
    return _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 if the error does not come from SQLite."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _opened(path: Path) -> sqlite3.Connection:
    """Open a connection; raises `sqlite3.Error`, or `OSError` if a damaged file cannot be deleted."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return _connect(path)
        except sqlite3.Error as error:
            if is_damage(error):
                log.warning(
                    "the vector cache in %s is damaged (%s); starting a new one", path, error
                )
                _remove(path)
            elif _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        # Workers that start together each enable the log of a new file, and SQLite does not wait for that by itself.
        time.sleep(_AGAIN_SECONDS)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
    )
    try:
        # Readers and the writer do not block each other, and a crash of the host loses at most the last writes.
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        connection.execute(_SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
