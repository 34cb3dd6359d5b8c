"""Samples a worker's rates over the last seconds: for its gauges, and as a summary in Redis."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from redis import Redis

from vitrine.core.errors import LedgerUnavailable
from vitrine.core.redis_client import redis_errors
from vitrine.messaging import worker_stats
from vitrine.messaging.worker_registry import HEARTBEAT_SECONDS
from vitrine.messaging.worker_stats import WorkerStats
from workers.maintenance.periodic import Periodic

log = logging.getLogger(__name__)

WINDOW = 5
"""Samples that a rate spans: 15 seconds, a few batches of the largest model."""


@dataclass(frozen=True, slots=True)
class CounterSnapshot:
    """The values of all counters at one moment."""

    at: float  #: Monotonic seconds.
    embedded: float
    failed: float
    queries: float
    fetched_bytes: float
    busy_seconds: float
    bulk_batches: float
    bulk_pictures: float


class InWork(Protocol):
    """The chunks being processed; `workers.ingest.leases.LeaseKeeper` in production."""

    def held(self) -> int:
        """Return the number of chunks."""

    def in_stages(self) -> Mapping[str, Mapping[str, int]]:
        """Return the number of pictures per job and stage."""


class StatsSampler:
    """Samples the counters and reports the rates since the oldest sample kept."""

    def __init__(
        self, redis: Redis, node: str, counts: Callable[[], CounterSnapshot], in_work: InWork
    ) -> None:
        self._redis = redis
        self._node = node
        self._counts = counts
        self._in_work = in_work
        self._kept: deque[CounterSnapshot] = deque([counts()], maxlen=WINDOW + 1)
        self._lock = threading.Lock()
        self._samples = Periodic("vitals", HEARTBEAT_SECONDS, self.sample)

    def start(self) -> None:
        """Start sampling."""
        self._samples.start()

    def close(self) -> None:
        """Stop sampling, and delete the summary from Redis."""
        self._samples.close()
        with suppress(LedgerUnavailable), redis_errors():
            worker_stats.delete_stats(self._redis, self._node)

    def sample(self) -> None:
        """Take a sample and write the summary to Redis; raises `LedgerUnavailable`."""
        told = self.now()
        with self._lock:
            self._kept.append(self._counts())
        with redis_errors():
            worker_stats.write_stats(self._redis, told)

    def now(self) -> WorkerStats:
        """Return the rates since the oldest sample kept."""
        with self._lock:
            before = self._kept[0]
        present = self._counts()
        seconds = max(present.at - before.at, 1e-6)

        def rate(name: str) -> float:
            grown: float = getattr(present, name) - getattr(before, name)
            return grown / seconds

        batches = present.bulk_batches - before.bulk_batches
        pictures = present.bulk_pictures - before.bulk_pictures
        return WorkerStats(
            node=self._node,
            embedded=int(present.embedded),
            failed=int(present.failed),
            images_per_second=rate("embedded") + rate("failed"),
            queries_per_second=rate("queries"),
            bytes_per_second=rate("fetched_bytes"),
            device_busy=min(1.0, rate("busy_seconds")),
            batch_size=pictures / batches if batches else 0.0,
            chunks=self._in_work.held(),
            memory_bytes=resident_bytes(),
            stages=self._in_work.in_stages(),
        )


def resident_bytes() -> int:
    """Return this process's resident memory in bytes; 0 if the system does not report it (not Linux)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
