"""Where a process keeps what Prometheus reads: one registry, with the process's own figures in it from the start."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


def process_registry() -> CollectorRegistry:
    """A registry that tells of the process's memory, CPU and files, and of its Python."""
    # A series of its own for when each counter began would double the page and say nothing new.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's has no annotations
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
