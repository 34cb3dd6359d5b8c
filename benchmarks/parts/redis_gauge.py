"""Measurements of a Redis server: the memory of its keys, and its CPU time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from redis import Redis

_AT_ONCE = 1000


class RedisGauge:
    """Reads memory and CPU of one server."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def bytes_used(self) -> int:
        """Return the bytes of all keys with their values, including names and table entries.

        Summed key by key, because the server's total varies with its clients' buffers.
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
        """Return the user and system time of all its threads, without children that rewrite the append-only file."""
        spent: dict[str, Any] = self._redis.info("cpu")
        return float(spent["used_cpu_user"]) + float(spent["used_cpu_sys"])
