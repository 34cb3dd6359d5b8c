"""The worker's settings: read once, when the worker starts, never at import."""

from __future__ import annotations

from functools import lru_cache

from vitrine.core.service_discovery import discover
from vitrine.core.settings import Settings, load


@lru_cache(maxsize=1)
def environment_settings() -> Settings:
    """What the environment says, and where a running standalone service is, if it says nothing."""
    return discover(load())


def worker_settings(*, model: str | None, device: str | None) -> Settings:
    """The settings with a worker command's own options over them."""
    options = {"model": model, "device": device}
    given = {name: value for name, value in options.items() if value is not None}
    return environment_settings().model_copy(update=given)
