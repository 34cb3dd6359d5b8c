"""A worker's name in Celery, Flower, logs and metrics: model, device and process id, such as `clip.cuda-0.4711@host`.

`vitrine worker` and Celery's own command build the same name; a name given with `--hostname` takes precedence.
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
"""The start of Celery's default name."""


def resolved_device(settings: Settings) -> str:
    """Return the device's actual name, so that users see where a worker runs; raises `BadInput` if it does not exist."""
    from workers.models.factory import BUILTIN  # noqa: PLC0415 - models cost seconds of imports

    # The built-in descriptor always runs on the CPU; this avoids the torch import.
    if (settings.model, settings.device) == (BUILTIN, "auto"):
        return "cpu"
    from workers.models.device import resolve_device  # noqa: PLC0415 - torch, likewise

    return resolve_device(settings.device)


def node_name(model: str, device: str) -> str:
    """Return the name of this process for a model on a device."""
    return f"{model_name(model)}.{device.replace(':', '-')}.{os.getpid()}@{socket.gethostname()}"


def set_node_name(worker: Any, options: Mapping[str, Any]) -> str:
    """Set the name of a Celery worker that has only the default one, before it is used; return the resulting name."""
    if worker.hostname.startswith(_UNNAMED):
        # Ignore an invalid model or device here: opening it reports the error a moment later.
        with suppress(VitrineError):
            settings = worker_settings(model=options.get("model"), device=options.get("device"))
            worker.hostname = node_name(settings.model, resolved_device(settings))
            setup_worker_optimizations(worker.app, worker.hostname)  # which keeps the name
    name: str = worker.hostname
    return name
