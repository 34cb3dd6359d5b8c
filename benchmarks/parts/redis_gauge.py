"""What a Redis server says of itself: the memory its keys take, and the CPU it spent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from redis import Redis

_AT_ONCE = 1000


class RedisGauge:
    """Reads two meters of one server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def bytes_used(self) -> int:
        """Bytes of all keys with all they hold, names and table entries included.

        Summed up key by key, because the server's own total moves by the buffers of its clients.
        """
        total = 0
        for keys in self._keys():
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.memory_usage(key, samples=0)
                total += sum(size or 0 for size in pipe.execute())
        return total

    def _keys(self) -> Iterator[list[bytes]]:
        found = self._redis.scan_iter(count=_AT_ONCE)
        while keys := list(islice(found, _AT_ONCE)):
            yield keys

    def cpu_seconds(self) -> float:
        """User and system time of all its threads; children that rewrite the append-only file are left out."""
        spent: dict[str, Any] = self._redis.info("cpu")
        return float(spent["used_cpu_user"]) + float(spent["used_cpu_sys"])
