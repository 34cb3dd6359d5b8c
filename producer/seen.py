"""Which ids a catalog has had, exactly, in bounded memory.

A private temporary SQLite database (its path is empty: it lives in the page cache, spills to a file that
nobody else sees, and is gone when closed) is keyed by a 16-byte BLAKE2b digest of the id. Two of a billion
different ids share one with a probability below 1e-20, so a good row is never taken for a duplicate.
"""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from types import TracebackType

CACHE_KIB = 48 * 1024
"""A million ids take about 34 MB; beyond this the pages spill to the disk and it gets slower, not larger."""


class SeenIds:
    """Remembers each id with the line where it was first."""

    def __init__(self) -> None:
        # The rows of one catalog may be drawn by several threads in turn (an HTTP server's), never at once.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE seen (digest BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID"
        )
        # One transaction that is never committed: there is nothing to keep.
        self._database.execute("BEGIN")
        self._execute = self._database.execute

    def first_line(self, item_id: str, line: int) -> int | None:
        """None for a new id, which is then known; else the line that had it first."""
        digest = blake2b(item_id.encode(), digest_size=16).digest()
        added = self._execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, line))
        if added.rowcount == 1:
            return None
        row = self._execute("SELECT line FROM seen WHERE digest = ?", (digest,)).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def __enter__(self) -> SeenIds:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
