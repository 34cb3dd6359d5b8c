"""Output files that the user named."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from vitrine.core.errors import BadInput


def check_writable(*paths: Path | None) -> None:
    """Raise `BadInput` if one of the named files is not writable, before long work whose result goes there."""
    for path in paths:
        if path is None:
            continue
        if not path.parent.is_dir():
            raise _unwritable(path, f"there is no folder {str(path.parent)!r}")
        if path.is_dir():
            raise _unwritable(path, "it is a folder")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise _unwritable(path, "permission denied")


def write_text(path: Path, parts: Iterable[str]) -> None:
    """Write the parts as UTF-8 without changing line ends; raises `BadInput` if the file cannot be written."""
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(parts)
    except OSError as error:
        raise _unwritable(path, error.strerror or "unknown") from error


def _unwritable(path: Path, why: str) -> BadInput:
    return BadInput(f"The file {str(path)!r} cannot be written: {why}.")
