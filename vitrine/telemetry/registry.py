"""A process's Prometheus registry, which includes the standard process metrics from the start."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


def process_registry() -> CollectorRegistry:
    """Return a registry with metrics of the process's memory, CPU and files, and of its Python."""
    # A separate series with each counter's creation time would double the page and add nothing.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's has no annotations
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
