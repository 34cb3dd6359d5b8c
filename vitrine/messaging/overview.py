"""A snapshot of the service, read from Redis alone: workers, queues and jobs. It does not need an API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from redis import Redis

from vitrine.core.redis_client import redis_errors
from vitrine.core.types import JobStatus
from vitrine.ledger.base import Ledger
from vitrine.messaging import worker_stats
from vitrine.messaging.broker import Publisher, QueueDepth
from vitrine.messaging.worker_registry import WorkerInfo, live_workers
from vitrine.messaging.worker_stats import WorkerStats

JOBS_READ = 100
"""How many of the newest jobs to read. Older unfinished jobs are counted but not shown."""


@dataclass(frozen=True, slots=True)
class ServiceOverview:
    """A snapshot of the service."""

    at: float  #: Unix seconds on the ledger's clock.
    workers: Sequence[
        tuple[WorkerInfo, WorkerStats | None]
    ]  #: By node; None for a worker without recent statistics.
    queues: Sequence[QueueDepth]
    jobs: Sequence[JobStatus]  #: Unfinished jobs first, then finished ones, each newest first.
    active: int  #: Unfinished jobs of any age.
    pending: int  #: Pictures without an outcome, over all jobs.


def read_overview(
    ledger: Ledger, redis: Redis, publisher: Publisher, *, jobs: int
) -> ServiceOverview:
    """Read the overview, with at most `jobs` jobs. Raises `LedgerUnavailable`."""
    with redis_errors():
        crew = live_workers(redis)
        told = worker_stats.read_stats(redis, [worker.node for worker in crew])
    found = ledger.jobs(limit=JOBS_READ)
    on = [job for job in found if not job.state.finished]
    over = (job for job in found if job.state.finished)
    models = sorted({worker.model for worker in crew} | {job.spec.model for job in on})
    return ServiceOverview(
        at=ledger.clock(),
        workers=[(worker, told.get(worker.node)) for worker in crew],
        queues=publisher.waiting(models),
        jobs=[*on[:jobs], *islice(over, max(0, jobs - len(on)))],
        active=len(ledger.active_jobs()),
        pending=ledger.pending_images(),
    )
