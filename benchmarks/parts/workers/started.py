"""`vitrine worker` in a separate process, extended to write down what only the process itself can observe."""

from __future__ import annotations

import contextlib
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.parts.process import Process, running
from benchmarks.parts.surroundings import Surroundings
from vitrine.core.redis_client import connect_redis
from vitrine.messaging.worker_registry import live_workers


@dataclass(frozen=True, slots=True)
class Started:
    """A running worker, and the file to which it writes its observations."""

    process: Process
    told: Path


@contextmanager
def started_worker(
    around: Surroundings, module: str, *, model: str, device: str = "cpu", **settings: str
) -> Iterator[Started]:
    """Run `python -m benchmarks.parts.workers.MODULE` for the block. `settings`: names in capitals without VITRINE_."""
    told = around.folder / f"{module}-{uuid.uuid4().hex}.json"
    command = [sys.executable, "-P", "-m", f"benchmarks.parts.workers.{module}", str(told)]
    further = {f"VITRINE_{name}": value for name, value in settings.items()}
    with running(
        [*command, "--model", model, "--device", device],
        environment={**around.environment(), **further},
        log=told.with_suffix(".log"),
    ) as process:
        with contextlib.closing(connect_redis(around.redis_url)) as redis:
            process.wait_for(lambda: any(one.pid == process.pid for one in live_workers(redis)))
        yield Started(process, told)
