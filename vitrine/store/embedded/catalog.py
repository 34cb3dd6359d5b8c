"""The embedded store's catalog file: names, generations, spaces and directories.

One small JSON file, replaced as a whole: written to a temporary file, synced and renamed. After a crash it
holds either the old or the new content, and a directory that it does not name is left over from an
incomplete step.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from vitrine.core.errors import BadInput
from vitrine.store.base import EmbeddingSpace
from vitrine.store.spaces import space_from_json

_KEY = "catalogs-1"  #: Includes the format's version: a file of another version lacks this key.


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One catalog's generation and the location of its points."""

    generation: str
    space: EmbeddingSpace
    directory: str  #: Name within the store's `generations` folder.


def read_catalog(path: Path) -> dict[str, CatalogEntry]:
    """Return entries by catalog name, empty if there is no file. Raises `BadInput` if the file is not vitrine's."""
    try:
        value = orjson.loads(path.read_bytes())
        return {name: _entry(entry) for name, entry in value[_KEY].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} is not a catalog file of this version of vitrine ({error!r}).",
            hint="Move the store's folder away to start a new one.",
        ) from error


def _entry(value: Mapping[str, Any]) -> CatalogEntry:
    return CatalogEntry(value["generation"], space_from_json(value["space"]), value["directory"])


def write_catalog(path: Path, entries: Mapping[str, CatalogEntry]) -> None:
    """Replace the file. Returns once the new one would survive a power cut."""
    value = {_KEY: {name: asdict(entry) for name, entry in entries.items()}}
    write_atomically(path, orjson.dumps(value, option=orjson.OPT_INDENT_2))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a temporary file, sync it, rename it and sync the folder. Readers see either the old or new content."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
