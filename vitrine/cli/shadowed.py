"""Detection of files that Python would import instead of vitrine's packages or those of the queue.

`PYTHONPATH=. vitrine worker` in a folder with a `workers/` or a `redis.py` would import that one. The check imports
nothing: it only looks up the location of each module.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import vitrine
from vitrine.core.errors import BadInput

OURS = ("api", "producer", "workers")
NEEDED = {
    "celery": "app/base.py",
    "flower": "command.py",
    "kombu": "connection.py",
    "redis": "client.py",
}
"""Packages that users name files after, each with a file that only the real package has."""


def refuse_shadowed() -> None:
    """Raise `BadInput` naming the first file that shadows a package which vitrine imports."""
    root = os.path.realpath(os.path.dirname(vitrine.__path__[0]))
    for name in OURS:
        spec = _spec(name)
        if spec is not None and not _is_in(spec, root):
            raise _refusal(spec, f"vitrine's own package {name!r}")
    for name, part in NEEDED.items():
        spec = _spec(name)
        if spec is not None and not _has(spec, part):
            raise _refusal(spec, f"the package {name!r}, which vitrine needs")


def _spec(name: str) -> ModuleSpec | None:
    """Return a module's location; None if it is not installed, or is a plain folder, which any real package precedes."""
    with suppress(ValueError):  # already imported, without a record of its location
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            return spec
    return None


def _is_in(spec: ModuleSpec, root: str) -> bool:
    folders = spec.submodule_search_locations or []
    return any(os.path.realpath(os.path.dirname(folder)) == root for folder in folders)


def _has(spec: ModuleSpec, part: str) -> bool:
    """Whether a package has this file; assumed if the package is not in a folder but, for example, in an archive."""
    if spec.submodule_search_locations is None:
        return False
    folders = [folder for folder in spec.submodule_search_locations if os.path.isdir(folder)]
    return not folders or any(os.path.exists(os.path.join(folder, part)) for folder in folders)


def _refusal(spec: ModuleSpec, package: str) -> BadInput:
    file = str(spec.origin)
    # For a package, the import path has the folder above its own.
    folder = os.path.dirname(os.path.dirname(file) if spec.submodule_search_locations else file)
    return BadInput(
        f"{file} would be imported instead of {package}: "
        f"take {folder} out of PYTHONPATH, or rename that file or folder."
    )
