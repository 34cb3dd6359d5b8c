"""Prometheus metrics of the service's state in Redis, read at each scrape: queues, workers, chunks.

If Redis is unreachable, `vitrine_ledger_up` is 0 and the other metrics are absent, so that an alert can distinguish
this from an empty queue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.dependencies import Services
from api.routes.system import JOBS_LOOKED_AT, queues
from vitrine.core.errors import VitrineError
from vitrine.ledger import ChunksLeft
from vitrine.messaging.worker_registry import WorkerInfo


class ServiceMetrics(Collector):
    """A collector that reads the services again at each scrape."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics, or only `vitrine_ledger_up` if the ledger is unreachable."""
        try:
            found = list(self._found())
        except VitrineError:
            found = []
        up = GaugeMetricFamily("vitrine_ledger_up", "1 if Redis responds to the API.")
        up.add_metric([], bool(found))
        yield up
        yield from found

    def _found(self) -> Iterator[Metric]:
        parts = self._parts
        crew, jobs = parts.query_client.workers(), parts.ledger.active_jobs()
        yield self._depths(crew, jobs)
        yield _one("vitrine_jobs_active", "Jobs that are not finished.", len(jobs))
        pending = parts.ledger.pending_images()
        yield _one("vitrine_pending_images", "Pictures of all jobs without an outcome.", pending)
        limit = parts.settings.max_pending_images
        yield _one("vitrine_pending_images_limit", "Above this limit, submits are refused.", limit)
        yield self._chunks(jobs)
        yield _workers(crew)

    def _depths(self, crew: Sequence[WorkerInfo], jobs: Sequence[str]) -> Metric:
        meaning = "Messages that no worker has taken: chunks of up to 64 pictures, or queries."
        family = GaugeMetricFamily("vitrine_queue_depth", meaning, labels=["model", "lane"])
        for depth in queues(self._parts, crew, jobs):
            family.add_metric([depth.model, "bulk"], depth.chunks)
            family.add_metric([depth.model, "query"], depth.queries)
        return family

    def _chunks(self, jobs: Sequence[str]) -> Metric:
        left = [self._parts.ledger.chunks_left(job) for job in jobs[:JOBS_LOOKED_AT]]
        meaning = f"Chunks that are not done, of the first {JOBS_LOOKED_AT} active jobs."
        family = GaugeMetricFamily("vitrine_chunks_left", meaning, labels=["place"])
        for place in ChunksLeft._fields:
            family.add_metric([place], sum(getattr(one, place) for one in left))
        return family


def _workers(crew: Sequence[WorkerInfo]) -> Metric:
    meaning = "Workers with a recent heartbeat."
    family = GaugeMetricFamily("vitrine_workers", meaning, labels=["model"])
    for model, count in sorted(Counter(worker.model for worker in crew).items()):
        family.add_metric([model], count)
    return family


def _one(name: str, meaning: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, meaning)
    family.add_metric([], value)
    return family
