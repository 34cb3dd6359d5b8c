"""The health check for a worker's container: `python -m workers.celery_app.health`.

It reads the heartbeat that each worker renews in Redis every few seconds (`vitrine.messaging.worker_registry`). So a
worker is healthy only once its model is loaded and warm, and the check need not import PyTorch.
"""

from __future__ import annotations

import contextlib
import socket
import sys

from vitrine.core.errors import VitrineError
from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.messaging.worker_registry import live_workers
from workers.celery_app.config import environment_settings


def alive_here(redis_url: str, host: str) -> bool:
    """Return whether a worker on `host` has a recent heartbeat; raises `LedgerUnavailable`."""
    with contextlib.closing(connect_redis(redis_url)) as redis, redis_errors():
        return any(worker.node.endswith(f"@{host}") for worker in live_workers(redis))


def main() -> int:
    """Return exit code 0 if healthy, else 1 with the reason on stderr."""
    try:
        healthy = alive_here(
            environment_settings().redis_url.get_secret_value(), socket.gethostname()
        )
    except VitrineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not healthy:
        sys.stderr.write("No worker on this host has a recent heartbeat.\n")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
