"""Finding a running standalone service: it writes its addresses and model to its data directory, and commands read them.

The file contains the private Redis's password, so only its owner can read it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import orjson
from pydantic import SecretStr

from vitrine.core.settings import Settings

RUNTIME_FILE = "running.json"
_SECRETS = ("redis_url", "qdrant_url", "store_token")
_FIELDS = (*_SECRETS, "api_url", "model")


def runtime_file(data_dir: Path) -> Path:
    """Return the file of the service on this data directory."""
    return data_dir / RUNTIME_FILE


def announce(settings: Settings) -> None:
    """Write the service's addresses and model atomically."""
    path = runtime_file(settings.data_dir)
    values = {name: _plain(getattr(settings, name)) for name in _FIELDS}
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(values))
    draft.replace(path)


def withdraw(data_dir: Path) -> None:
    """Remove the file: no service runs on this data directory any more."""
    runtime_file(data_dir).unlink(missing_ok=True)


def discover(settings: Settings) -> Settings:
    """Fill in the running service's addresses unless Redis or Qdrant is set explicitly."""
    if settings.model_fields_set & {"redis_url", "qdrant_url"}:
        return settings
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        found = orjson.loads(runtime_file(settings.data_dir).read_bytes())
        missing = [name for name in _FIELDS if name not in settings.model_fields_set]
        update = {name: _secret(name, found[name]) for name in missing if found.get(name)}
        return settings.model_copy(update=update)
    return settings


def running_redis_url(data_dir: Path) -> str | None:
    """Return the URL of the running service's Redis, password included; None if no service runs."""
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        found: dict[str, str] = orjson.loads(runtime_file(data_dir).read_bytes())
        return found.get("redis_url")
    return None


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _secret(name: str, value: str) -> object:
    return SecretStr(value) if name in _SECRETS else value
