"""Files that a command writes because it was asked to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vitrine.errors import BadInput


def write_text(path: Path, parts: Iterable[str]) -> None:
    """Write the parts as UTF-8, their line ends as they are; raises `BadInput` where the file cannot be written."""
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(parts)
    except OSError as error:
        raise BadInput(f"The file {str(path)!r} cannot be written: {error.strerror}.") from error
