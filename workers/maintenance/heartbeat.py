"""Registers this worker as alive every few seconds, and deregisters it on a clean stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from redis import Redis

from vitrine.core.errors import LedgerUnavailable
from vitrine.core.redis_client import redis_errors
from vitrine.messaging import worker_registry
from vitrine.messaging.worker_registry import WorkerInfo
from workers.maintenance.periodic import Periodic

log = logging.getLogger(__name__)


class Heartbeat:
    """Renews the worker's entry in Redis from its own thread."""

    def __init__(self, redis: Redis, info: Callable[[], WorkerInfo]) -> None:
        self._redis = redis
        self._info = info  #: Returns the worker's current state; its node never changes.
        self._beats = Periodic("beat", worker_registry.HEARTBEAT_SECONDS, self._tell)

    def start(self) -> None:
        """Register the worker immediately, so that anything waiting for it need not wait, then start the thread."""
        self._tell()
        self._beats.start()

    def close(self) -> None:
        """Stop the thread and deregister the worker."""
        self._beats.close()
        with suppress(LedgerUnavailable), redis_errors():
            worker_registry.deregister_worker(self._redis, self._info().node)

    def _tell(self) -> None:
        try:
            with redis_errors():
                worker_registry.register_worker(self._redis, self._info())
        except LedgerUnavailable as error:
            log.warning("heartbeat failed: %s", error)
