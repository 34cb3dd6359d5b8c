"""A folder of pictures: every file with a picture's suffix, sorted by name, subfolders included.

The id is the path relative to the folder, and the part before the file's name is the payload's `folder`. Hidden
files and folders, and links to folders (which may form a loop), are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from producer.image_suffixes import IMAGE_SUFFIXES
from producer.row import Row
from producer.row_errors import FileBrokenOff, shown
from vitrine.core.types import RejectedRow


class FolderRows:
    """The reader for a folder; a row's line is the picture's number."""

    typed = True
    notes: Sequence[str] = ()
    names = ("id", "image", "folder")

    def __init__(self, folder: Path, name: str) -> None:
        self._root = str(folder)
        self._name = name

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every picture."""
        for number, path in enumerate(self._pictures(""), start=1):
            values = {"id": path, "image": [path], "folder": os.path.dirname(path)}
            yield Row(number, values, len(path))

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _pictures(self, inside: str) -> Iterator[str]:
        try:
            with os.scandir(os.path.join(self._root, inside)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            why = f"the folder {shown(inside or '.')} cannot be listed: {(error.strerror or str(error)).lower()}"
            raise FileBrokenOff(self._name, None, why) from error
        for entry in entries:
            path = os.path.join(inside, entry.name)
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._pictures(path)
            elif entry.name.lower().rpartition(".")[2] in IMAGE_SUFFIXES and entry.is_file():
                yield path
