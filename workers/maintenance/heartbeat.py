"""Tells the others that this worker is alive, every few seconds, and takes it back on a clean stop."""

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
    """One thread, one line in Redis."""

    def __init__(self, redis: Redis, info: Callable[[], WorkerInfo]) -> None:
        self._redis = redis
        self._info = info  #: The worker as it is at the moment; its node never changes.
        self._beats = Periodic("beat", worker_registry.HEARTBEAT_SECONDS, self._tell)

    def start(self) -> None:
        """Tell it once here, so that who waits for this worker sees it at once, then go on."""
        self._tell()
        self._beats.start()

    def close(self) -> None:
        """Take it back."""
        self._beats.close()
        with suppress(LedgerUnavailable), redis_errors():
            worker_registry.deregister_worker(self._redis, self._info().node)

    def _tell(self) -> None:
        try:
            with redis_errors():
                worker_registry.register_worker(self._redis, self._info())
        except LedgerUnavailable as error:
            log.warning("heartbeat failed: %s", error)
