"""Selection of the Python for the environment: the running one first, then the newest supported one.

Runs on Python 3.8 and later, so that an old `python3` can still find a newer one on the same machine, or report
what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

SUPPORTED = ("3.13", "3.12", "3.11")
"""Newest first; must match `requires-python` in pyproject.toml."""

_PROBE = """
import importlib.util as u, sys
print("%d.%d" % sys.version_info[:2])
print(all(u.find_spec(name) for name in ("venv", "ensurepip")))
"""


class SetupError(Exception):
    """Raised when the environment cannot be created; the message says what to do."""


@dataclass(frozen=True)
class Interpreter:
    """A working Python."""

    path: str
    version: str  #: Major and minor, such as `3.12`.
    has_venv: bool  #: Debian has `venv` in a separate package.


def probe(path: str) -> Interpreter | None:
    """Query a Python's version. Returns None if it does not run (for example a version manager's empty shim)."""
    try:
        answer = subprocess.run(
            [path, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version, has_venv = answer.stdout.split()
    return Interpreter(path, version, has_venv == "True")


def running() -> str:
    """Return the running Python outside any environment, because the current environment may be about to be replaced."""
    major, minor = sys.version_info[:2]
    base = os.path.join(sys.base_prefix, "bin", f"python{major}.{minor}")
    return base if os.path.exists(base) else sys.executable


def installed() -> Iterator[Interpreter]:
    """Yield every supported Python: the running one, then those on the PATH, newest first."""
    names = [running(), *(f"python{version}" for version in SUPPORTED), "python3"]
    seen = set()
    for name in names:
        path = shutil.which(name)
        found = probe(path) if path else None
        if found and found.version in SUPPORTED and found.version not in seen:
            seen.add(found.version)
            yield found


def choose() -> Interpreter:
    """Return the first that can create an environment. Raises `SetupError` with what to install."""
    without_venv = []
    for found in installed():
        if found.has_venv:
            return found
        without_venv.append(found)
    if without_venv:
        version = without_venv[0].version
        raise SetupError(
            f"Python {version} has no venv module. On Debian or Ubuntu, install it with: "
            f"apt install python{version}-venv"
        )
    raise SetupError(
        f"vitrine runs on Python {', '.join(reversed(SUPPORTED))}; none of them is on the PATH. Install one "
        "(Debian: apt install python3 python3-venv; macOS: brew install python@3.13), or name it: "
        "make PYTHON=/path/to/python3.13 demo"
    )
