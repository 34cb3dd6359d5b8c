"""Separate virtual environments for packages that conflict with vitrine's, created once and kept in the user's cache.

`python_with(requirements)` returns the interpreter of a virtual environment with these packages. With `over_this`, it
also sees this environment's packages, after its own, and pip uses them: torch need not be installed twice. If
something does not install (no network, no wheel for this platform), it raises `Unavailable`, and the caller skips it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

INSTALL_SECONDS = 900.0
_COMPLETE = "complete"
"""Written last; an environment without it is incomplete."""


class Unavailable(Exception):
    """Raised if an environment cannot be created here. The message gives the reason in one line."""


def python_with(requirements: Sequence[str], *, over_this: bool = False) -> Path:
    """Return the environment's interpreter with these packages, creating it if needed. Raises `Unavailable`."""
    folder = _folder(requirements, over_this=over_this)
    python = folder / "bin" / "python"
    if not (folder / _COMPLETE).exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        if over_this:
            _look_here_too(folder)
        _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
        (folder / _COMPLETE).touch()
    return python


def cache_folder() -> Path:
    """Return the folder for cached files of benchmarks, without creating it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "vitrine-benchmarks"


def _folder(requirements: Sequence[str], *, over_this: bool) -> Path:
    """Return the folder for this list of packages and this interpreter."""
    asked = "\n".join([sys.executable, sys.version, str(over_this), *requirements])
    return cache_folder() / "environments" / hashlib.sha256(asked.encode()).hexdigest()[:12]


def _look_here_too(folder: Path) -> None:
    """Let the environment find this one's packages after its own."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    link = folder / "lib" / version / "site-packages" / "behind.pth"
    link.write_text(sysconfig.get_path("purelib") + "\n")


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.startswith("ERROR")]
        raise Unavailable((lines or [f"{command[0]} failed"])[-1][:200]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{type(error).__name__} while it was made") from error
