"""`vitrine worker --devices …`: the composition root of a supervisor and its workers, one per device."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitrine.core.settings import Settings

if TYPE_CHECKING:
    from vitrine.process.child import ChildProcess

log = logging.getLogger(__name__)


def run_workers(settings: Settings, devices: Sequence[str]) -> int:
    """Run one worker per device until SIGTERM, Ctrl-C or SIGHUP; return the exit code.

    Raises `BadInput` if a worker refuses its first start.
    """
    from vitrine.process.supervisor import Supervisor
    from vitrine.telemetry import configure_logging

    configure_logging(settings.log_level, settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    log.info("starting %d workers of %s: %s", len(devices), settings.model, ", ".join(devices))
    return Supervisor(_children(settings, devices)).run(stop)


def requested_devices(settings: Settings, asked: str) -> list[str]:
    """Return the devices of this machine that `--devices` names; raises `BadInput`."""
    from vitrine.process.devices import parse_devices
    from workers.gpus import count_gpus
    from workers.models.factory import BUILTIN

    # The built-in model runs only on the CPU.
    return parse_devices(asked, (lambda: 0) if settings.model == BUILTIN else count_gpus)


def _children(settings: Settings, devices: Sequence[str]) -> list[ChildProcess]:
    from vitrine.process.child import ChildProcess
    from vitrine.process.cores import thread_limits
    from vitrine.process.output import PrefixedOutput
    from vitrine.process.supervisor import GRACE_SECONDS, STEADY_SECONDS

    shares = thread_limits(settings, len(devices), os.environ)
    return [
        ChildProcess(
            name,
            ["worker", "--model", settings.model, "--device", device, "--exit-with-parent"],
            environment={**shares, **_form(settings), **_metrics_port(settings, place)},
            # JSON lines are for programs and already name the worker.
            output=PrefixedOutput("" if settings.log_format == "json" else name, sys.stderr.buffer),
            grace=GRACE_SECONDS,
            steady=STEADY_SECONDS,
        )
        for place, (name, device) in enumerate(zip(_names(devices), devices, strict=True))
    ]


def _form(settings: Settings) -> dict[str, str]:
    """Return the workers' log format: text unless it is set, because each line is prefixed with the worker's name."""
    return {"VITRINE_LOG_FORMAT": "human" if settings.log_format == "auto" else settings.log_format}


def _metrics_port(settings: Settings, place: int) -> dict[str, str]:
    """Return a separate port for each worker if one is set: they cannot share it."""
    port = settings.metrics_port
    return {"VITRINE_METRICS_PORT": str(port + place)} if port else {}


def _names(devices: Sequence[str]) -> list[str]:
    """Return each worker's name: its device, plus a number if several share one."""
    return [
        device if devices.count(device) == 1 else f"{device}#{devices[:place].count(device) + 1}"
        for place, device in enumerate(devices)
    ]
