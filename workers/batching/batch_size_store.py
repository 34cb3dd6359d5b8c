"""Stores the batch sizes found so far in a small JSON file, so that a worker need not search at every start.

It is only a cache: a missing, broken or read-only file costs a search, but never stops a worker.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from workers.batching.batch_size_search import BatchSizeResult

log = logging.getLogger(__name__)

FILE_NAME = "batch_sizes.json"


class BatchSizeStore:
    """Batch sizes per model fingerprint, in a file in `directory`. Processes can share it; the last writer wins."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def find(self, fingerprint: str) -> BatchSizeResult | None:
        """Return the stored result for this fingerprint; None if there is none."""
        entry = self._read().get(fingerprint)
        try:
            found = (
                BatchSizeResult(int(entry["size"]), float(entry["pictures_per_s"]))
                if entry
                else None
            )
        except (TypeError, KeyError, ValueError):
            log.warning("%s has an invalid entry, which is ignored", self._path)
            return None
        return found if found and found.size >= 1 else None

    def remember(self, fingerprint: str, found: BatchSizeResult) -> None:
        """Store a result; the file is replaced atomically."""
        entry = {"size": found.size, "pictures_per_s": round(found.pictures_per_s, 1)}
        try:
            self._write({**self._read(), fingerprint: entry})
        except OSError as error:
            log.warning("the batch size cannot be stored in %s: %s", self._path, error.strerror)

    def _read(self) -> dict[str, Any]:
        try:
            table = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            table = None
        if not isinstance(table, dict):
            log.warning("%s cannot be read; it is ignored and rewritten", self._path)
            return {}
        return table

    def _write(self, table: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{FILE_NAME}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(table, file, indent=2, sort_keys=True)
            os.replace(name, self._path)
        except BaseException:
            os.unlink(name)
            raise
