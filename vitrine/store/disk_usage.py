"""Disk space used by a directory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

BLOCK_BYTES = 512
"""Unit of `st_blocks`, regardless of the file system's block size (POSIX)."""


def disk_bytes(directory: Path) -> int:
    """Return the bytes its files occupy on disk. Skips files deleted meanwhile; holes in files do not count."""
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            with suppress(FileNotFoundError):
                total += BLOCK_BYTES * os.lstat(os.path.join(folder, name)).st_blocks
    return total
