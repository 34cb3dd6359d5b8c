"""A worker's metrics: in full for Prometheus on the worker's own port, and a summary in Redis.

Each process has one registry and one port, so processes share nothing and leave nothing behind: several workers on one
machine are several targets. The parts of the runtime do not depend on Prometheus; they are wrapped, or call a callback.
"""

from workers.metrics.worker_metrics import WorkerMetrics

__all__ = ["WorkerMetrics"]
