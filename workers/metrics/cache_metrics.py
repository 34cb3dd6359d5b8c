"""Counts how often a picture's vector was already known; the counter is read at each scrape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from workers.vector_cache.deduplicating import DeduplicatingCache


def watch_cache(registry: CollectorRegistry, vector_cache: DeduplicatingCache | None) -> None:
    """Export the vector cache's counts; do nothing without a cache."""
    if vector_cache is not None:
        registry.register(CacheCollector(vector_cache))


class CacheCollector(Collector):
    """`vitrine_known_vectors_total{outcome}`: found, missed, joined, see `workers.vector_cache.deduplicating.CacheCounts`.

    `vitrine_vectors_not_kept_total`: see `dropped` of `workers.vector_cache.cache.VectorCache`.
    """

    def __init__(self, vector_cache: DeduplicatingCache) -> None:
        self._reuse = vector_cache

    def collect(self) -> Iterable[Metric]:
        """Yield a counter with one series per outcome, and a counter of vectors that were not kept."""
        meaning = "Lookups in the vector cache, by result."
        family = CounterMetricFamily("vitrine_known_vectors", meaning, labels=["outcome"])
        for outcome, count in asdict(self._reuse.counts).items():
            family.add_metric([outcome], count)
        yield family
        dropped = "Vectors not written to the cache: the disk was too slow or too full."
        yield CounterMetricFamily("vitrine_vectors_not_kept", dropped, value=self._reuse.dropped)
