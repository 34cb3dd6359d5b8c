"""Starting vitrine's Python processes without the working directory on their import path.

`python -m MODULE` searches the working directory first, so an `api/` or a `redis.py` that the user has there would be
imported instead of ours. `-P` prevents that; PYTHONPATH, which the user set on purpose, is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SAFE_PATH_VARIABLE = "PYTHONSAFEPATH"
"""Python's environment variable for `-P`, for interpreters whose command line vitrine does not write."""


def python_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs an installed module with this interpreter."""
    return [sys.executable, "-P", "-m", module, *arguments]


@contextmanager
def safe_path() -> Iterator[None]:
    """Keep the working directory off the import path of every Python process started inside, `multiprocessing`'s too."""
    before = os.environ.get(SAFE_PATH_VARIABLE)
    os.environ[SAFE_PATH_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH_VARIABLE]
        else:
            os.environ[SAFE_PATH_VARIABLE] = before
