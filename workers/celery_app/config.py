"""The worker's settings, read once when the worker starts, never at import."""

from __future__ import annotations

from functools import lru_cache

from vitrine.core.load_settings import load
from vitrine.core.service_discovery import discover
from vitrine.core.settings import Settings


@lru_cache(maxsize=1)
def environment_settings() -> Settings:
    """Return the settings from the environment; if it sets no addresses, use those of a running standalone service."""
    return discover(load())


def worker_settings(*, model: str | None, device: str | None) -> Settings:
    """Return the settings, overridden by the options of the worker command."""
    options = {"model": model, "device": device}
    given = {name: value for name, value in options.items() if value is not None}
    return environment_settings().model_copy(update=given)
