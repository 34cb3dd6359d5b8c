"""The service at one moment, read from Redis alone: who works, what waits, which jobs are on. No API is asked."""

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
"""The newest jobs that are looked at; older ones that are still on are counted, not shown."""


@dataclass(frozen=True, slots=True)
class ServiceOverview:
    """What was found."""

    at: float  #: Unix seconds by the ledger's clock.
    workers: Sequence[
        tuple[WorkerInfo, WorkerStats | None]
    ]  #: By node; None where one told nothing lately.
    queues: Sequence[QueueDepth]
    jobs: Sequence[JobStatus]  #: Those that are on first, then the others, each newest first.
    active: int  #: Jobs that are not finished, however old.
    pending: int  #: Pictures of all jobs without an outcome.


def read_overview(
    ledger: Ledger, redis: Redis, publisher: Publisher, *, jobs: int
) -> ServiceOverview:
    """Read it, with so many jobs at most; raises `LedgerUnavailable`."""
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
