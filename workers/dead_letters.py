"""Stores messages that this worker does not understand in Redis and logs them; they are never run (`vitrine.messaging.dead_letters`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from redis import Redis

from vitrine.core.errors import LedgerUnavailable
from vitrine.messaging.dead_letters import store_dead_letter
from workers.ingest.retry_ledger import LedgerRetry

log = logging.getLogger(__name__)

_SHOWN = 500
"""Characters of a dead-lettered message that are shown in the log and in Flower."""


class NotDeadLettered(Exception):
    """Raised if a message could not be stored: it must not be acknowledged."""


class DeadLetters:
    """Takes such messages from a worker's tasks and its consumer. Thread-safe."""

    def __init__(self, redis: Redis, stopping: Callable[[], bool]) -> None:
        self._redis = redis
        self._stopping = stopping

    def unreadable(self, message: str) -> None:
        """Store a message that is not a task; raises `LedgerUnavailable`."""
        store_dead_letter(self._redis, message)
        log.error("dead-lettered a message: %s", message[:_SHOWN])

    def misunderstood(self, kind: str, arguments: Sequence[object]) -> str:
        """Store a task's arguments of an unknown form and return the text to show; raises `LedgerUnavailable`."""
        text = " ".join([kind, *map(str, arguments)])
        store_dead_letter(self._redis, text)
        log.error("dead-lettered a message of an unknown form or schema version: %s", text[:_SHOWN])
        return text[:_SHOWN]

    def patiently(self, kind: str, arguments: Sequence[object]) -> str:
        """Do the same, but wait for Redis; raises `NotDeadLettered` if it does not come back in time."""
        patience = LedgerRetry(self._stopping)
        try:
            return patience(lambda: self.misunderstood(kind, arguments))
        except LedgerUnavailable as error:
            raise NotDeadLettered(
                "Redis is unreachable; the message returns to the queue"
            ) from error
