"""Connects a worker's metrics and statistics to its running parts; belongs to the runtime's composition root."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace

from redis import Redis

from vitrine.core.settings import Settings
from vitrine.messaging.worker_registry import WorkerInfo
from workers.batching import Batcher
from workers.fetch import Fetcher
from workers.ingest.leases import LeaseKeeper
from workers.ingest.store_breaker import StoreBreaker
from workers.metrics.endpoint import Endpoint
from workers.metrics.stats_sampler import CounterSnapshot, StatsSampler
from workers.metrics.worker_metrics import WorkerMetrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ObservedParts:
    """The parts whose state is read; they do not know about it."""

    metrics: WorkerMetrics
    batcher: Batcher
    fetcher: Fetcher
    keeper: LeaseKeeper
    breaker: StoreBreaker

    def counts(self) -> CounterSnapshot:
        """Return the current values of the counters."""
        metrics, gauge = self.metrics, self.batcher.stats
        return CounterSnapshot(
            at=time.monotonic(),
            embedded=metrics.embedded_so_far,
            failed=metrics.failed_so_far,
            queries=metrics.answered_so_far,
            fetched_bytes=metrics.bytes_so_far,
            busy_seconds=gauge.busy_seconds,
            bulk_batches=gauge.bulk_batches,
            bulk_pictures=gauge.bulk_pictures,
        )

    def refresh(self, busy: float) -> None:
        """Update the gauges; `busy` is the share of the last seconds in which the device was busy."""
        metrics = self.metrics
        metrics.busy.set(busy)
        metrics.leases.set(self.keeper.held())
        metrics.lease_age.set(self.keeper.oldest_age())
        metrics.held_bytes.set(self.fetcher.held.total)
        metrics.store_away.set(self.breaker.away is not None)
        metrics.batch_limit.set(self.batcher.size)


def wire_metrics(
    observed: ObservedParts, settings: Settings, redis: Redis, info: WorkerInfo, closers: ExitStack
) -> WorkerInfo:
    """Serve metrics until `closers` are closed; return the worker's info with the address of its metrics added.

    Raises `Unavailable` if the metrics port is taken.
    """
    observed.metrics.describe(info)
    signs = StatsSampler(redis, info.node, observed.counts, observed.keeper)
    if settings.metrics_port is not None:
        endpoint = Endpoint(
            observed.metrics.registry,
            settings.metrics_host,
            settings.metrics_port,
            lambda: observed.refresh(signs.now().device_busy),
        )
        info = replace(info, metrics=endpoint.address)
        endpoint.start()
        closers.callback(endpoint.close)
        log.info("metrics are served at http://%s/metrics", endpoint.address)
    signs.start()
    closers.callback(signs.close)
    return info
