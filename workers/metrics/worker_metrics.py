"""Defines a worker's metrics: its stages count, and each scrape reads them. Thread-safe.

Names and labels are listed in docs/metrics.md. A test checks that dashboards and alerts use only metrics exported here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram, Info
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.telemetry.registry import process_registry
from workers.batching.stats import BatchStats as BatchGauge
from workers.ingest.chunk_worker import FAILED_PREFIX, Report

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Histogram buckets, from a small model's batch on a GPU to a chunk that waits for a slow host."""
SIZES = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 512, 1024)
"""Histogram buckets for pictures per batch."""

_QUERY_OUTCOMES = ("answered", "refused", "dropped")
_CHUNK_OUTCOMES = ("refused", "given_back", "parked")


class WorkerMetrics:
    """All metrics that a worker exports; `registry` contains them."""

    def __init__(self) -> None:
        self.registry = process_registry()
        self.embedded_so_far = 0
        self.failed_so_far = 0
        self.answered_so_far = 0
        self.bytes_so_far = 0
        self._adding = threading.Lock()
        self._count()
        self._time()
        self._look()

    def _count(self) -> None:
        self.images = Counter(
            "vitrine_images",
            "Pictures whose outcome was recorded, each once; reason is empty if embedded.",
            ["outcome", "reason"],
            registry=self.registry,
        )
        self.images.labels("embedded", "")
        self.defer = Counter(
            "vitrine_images_put_off",
            "Pictures deferred because their host was unreachable or asked to wait.",
            registry=self.registry,
        )
        self.chunks = Counter(
            "vitrine_chunks",
            "Chunk messages by result.",
            ["outcome"],
            registry=self.registry,
        )
        # Create the series now: Prometheus shows an increase only from its second value on.
        self.chunks.labels("parked")
        self.queries = Counter(
            "vitrine_queries",
            "Queries by result.",
            ["outcome"],
            registry=self.registry,
        )
        self.fetched_bytes = Counter(
            "vitrine_fetched_bytes", "Bytes of pictures received.", registry=self.registry
        )

    def _time(self) -> None:
        self.stages = Histogram(
            "vitrine_stage_seconds",
            "Seconds in a stage: fetch and decode per picture, device per batch, chunk and query for the whole.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.batches = Histogram(
            "vitrine_batch_size",
            "Pictures (or texts) per batch that the device embedded.",
            ["lane"],
            buckets=SIZES,
            registry=self.registry,
        )
        self.stores = Histogram(
            "vitrine_store_seconds",
            "Seconds of a call to the vector store.",
            ["operation", "outcome"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def _look(self) -> None:
        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(name, meaning, registry=self.registry)

        self.busy = gauge(
            "vitrine_device_busy_ratio",
            "Fraction of the last seconds in which the device had a batch, 0 to 1.",
        )
        self.leases = gauge("vitrine_leases", "Chunks being processed.")
        self.lease_age = gauge(
            "vitrine_lease_age_seconds",
            "Seconds since the oldest chunk being processed was started; 0 if there is none.",
        )
        self.held_bytes = gauge(
            "vitrine_fetch_held_bytes",
            "Bytes of pictures received and not yet decoded.",
        )
        self.store_away = gauge(
            "vitrine_store_away",
            "1 while no requests are sent to the store because it does not respond.",
        )
        self.batch_limit = gauge(
            "vitrine_batch_limit", "Maximum pictures per batch; fewer if they do not fit."
        )

    def describe(self, info: WorkerInfo) -> None:
        """Export the worker's node, model, revision, policy and device."""
        Info(
            "vitrine_worker", "The worker, its model and its device.", registry=self.registry
        ).info(
            {
                "node": info.node,
                "model": info.model,
                "revision": info.revision,
                "policy": info.policy,
                "device": info.device,
            }
        )

    # --- called by the stages ----------------------------------------------------------------------
    def watch_batches(self, gauge: BatchGauge) -> None:
        """Observe the batcher."""
        lanes = {True: self.batches.labels("bulk"), False: self.batches.labels("query")}
        gauge.on_answered = lambda requests, bulk: lanes[bulk].observe(requests)
        gauge.on_finished = self.stages.labels("device").observe
        self.registry.register(DeviceBusy(gauge))

    def store_called(self, operation: str, seconds: float, good: bool) -> None:  # noqa: FBT001 - as `vitrine.store.timed` calls it
        """Record a call to the store."""
        self.stores.labels(operation, "ok" if good else "error").observe(seconds)

    def fetched(self, size: int) -> None:
        """Record the bytes of a fetched picture."""
        self.fetched_bytes.inc(size)
        with self._adding:
            self.bytes_so_far += size

    @contextmanager
    def chunk(self) -> Iterator[Report]:
        """Time a chunk; the caller fills in the report that is yielded, unless it raises."""
        report: Report = {}
        began = time.perf_counter()
        try:
            yield report
        except BaseException:
            self.chunks.labels("raised").inc()
            raise
        self._chunk_done(report, time.perf_counter() - began)

    def _chunk_done(self, report: Report, seconds: float) -> None:
        outcome = next((name for name in _CHUNK_OUTCOMES if name in report), "done")
        self.chunks.labels(outcome).inc()
        if outcome == "done":
            self.stages.labels("chunk").observe(seconds)
        # A chunk that was given back may have been recorded in part.
        embedded, failed = (int(report.get(name, 0)) for name in ("embedded", "failed"))
        with self._adding:
            self.embedded_so_far += embedded
            self.failed_so_far += failed
        self.images.labels("embedded", "").inc(embedded)
        self.defer.inc(int(report.get("put_off", 0)))
        for name, count in report.items():
            if name.startswith(FAILED_PREFIX):
                self.images.labels("failed", name.removeprefix(FAILED_PREFIX)).inc(int(count))

    def query_done(self, report: Mapping[str, int | str], seconds: float) -> None:
        """Record a finished group of queries: how many had which outcome."""
        with self._adding:
            self.answered_so_far += int(report.get("answered", 0))
        for outcome in _QUERY_OUTCOMES:
            self.queries.labels(outcome).inc(int(report.get(outcome, 0)))
        self.stages.labels("query").observe(seconds)


class DeviceBusy(Collector):
    """Exports the batcher's count of busy seconds at each scrape."""

    def __init__(self, gauge: BatchGauge) -> None:
        self._gauge = gauge

    def collect(self) -> Iterable[Metric]:
        """Yield the counter."""
        meaning = "Seconds in which the device had a batch; its rate is the device's utilisation."
        yield CounterMetricFamily(
            "vitrine_device_busy_seconds", meaning, value=self._gauge.busy_seconds
        )
