"""A worker's name in Celery, Flower, logs and metrics: its model, its device and its process, `clip.cuda-0.4711@host`.

`vitrine worker` and Celery's own command come to the same name; one that a person gave with `--hostname` stays.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from celery.app.trace import setup_worker_optimizations

from vitrine.core.errors import VitrineError
from vitrine.core.settings import Settings
from vitrine.core.types import model_name
from workers.celery_app.config import worker_settings

_UNNAMED = "celery@"
"""What Celery calls a worker that nobody named."""


def resolved_device(settings: Settings) -> str:
    """The device by its own name, so that people see where a worker runs; raises `BadInput` for one that is not there."""
    from workers.models.factory import BUILTIN  # noqa: PLC0415 - models cost seconds of imports

    # The built-in descriptor says itself what it runs on, and needs no torch to say it.
    if (settings.model, settings.device) == (BUILTIN, "auto"):
        return "cpu"
    from workers.models.device import resolve_device  # noqa: PLC0415 - torch, likewise

    return resolve_device(settings.device)


def node_name(model: str, device: str) -> str:
    """The name of this process with that model on that device."""
    return f"{model_name(model)}.{device.replace(':', '-')}.{os.getpid()}@{socket.gethostname()}"


def set_node_name(worker: Any, options: Mapping[str, Any]) -> str:
    """Give a worker of Celery's its name where it has none, before anybody has used it; the name that it has then."""
    if worker.hostname.startswith(_UNNAMED):
        # A model or device that is none is told by who opens it, a moment later.
        with suppress(VitrineError):
            settings = worker_settings(model=options.get("model"), device=options.get("device"))
            worker.hostname = node_name(settings.model, resolved_device(settings))
            setup_worker_optimizations(worker.app, worker.hostname)  # which keeps the name
    name: str = worker.hostname
    return name
