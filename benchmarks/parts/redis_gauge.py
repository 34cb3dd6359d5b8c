"""What a Redis server says of itself: the memory its data takes, and the CPU it spent."""

from __future__ import annotations

import time
from typing import Any

from redis import Redis

_LOOK_EVERY = 0.01


class RedisGauge:
    """Reads two meters of one server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def bytes_used(self) -> int:
        """Bytes allocated once what was unlinked is freed, without the buffers of clients and of the append-only file."""
        while (memory := self._memory())["lazyfree_pending_objects"]:
            time.sleep(_LOOK_EVERY)
        passing = int(memory["mem_clients_normal"]) + int(memory["mem_aof_buffer"])
        return int(memory["used_memory"]) - passing

    def _memory(self) -> dict[str, Any]:
        found: dict[str, Any] = self._redis.info("memory")
        return found

    def cpu_seconds(self) -> float:
        """User and system time of all its threads; children that rewrite the append-only file are left out."""
        spent: dict[str, Any] = self._redis.info("cpu")
        return float(spent["used_cpu_user"]) + float(spent["used_cpu_sys"])
