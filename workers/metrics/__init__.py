"""What a worker tells of itself: to Prometheus at a port of its own, and in short to Redis.

Each process has one registry and one port, so there is nothing that processes would share or leave behind: several
workers on one machine are several targets. The parts of the engine know nothing of Prometheus; they are wrapped, or
call a function that they were given.
"""

from workers.metrics.worker_metrics import WorkerMetrics

__all__ = ["WorkerMetrics"]
