"""How a Python process of our own is started: without the working directory among what it imports from.

`python -m MODULE` looks for every module in the working directory first, so a folder with an `api/` or a `redis.py`
of its user's would be run instead of ours. `-P` leaves that out; PYTHONPATH, which the user set on purpose, stays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SAFE_PATH_VARIABLE = "PYTHONSAFEPATH"
"""Python's own: what `-P` says, for interpreters whose command line is not ours to write."""


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module by this interpreter, from where it is installed."""
    return [sys.executable, "-P", "-m", module, *arguments]


@contextmanager
def safe_path() -> Iterator[None]:
    """Every Python process that is started while inside leaves the working directory out, `multiprocessing`'s too."""
    before = os.environ.get(SAFE_PATH_VARIABLE)
    os.environ[SAFE_PATH_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH_VARIABLE]
        else:
            os.environ[SAFE_PATH_VARIABLE] = before
