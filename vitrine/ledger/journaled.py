"""The ledger for producers and readers: it also records jobs in a journal and reports those that Redis lost as lost.

Workers use the plain ledger: a job that is not in Redis is no work for them.
"""

from __future__ import annotations

from collections.abc import Iterator

from redis import Redis

from vitrine.core.errors import NotFound
from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.core.types import Failure, JobSpec, JobState, JobStatus, RejectedRow
from vitrine.ledger.journal import Journal, lost_job_notice, lost_job_status
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.ledger.scripts import job_key


class JournaledLedger(RedisLedger):
    """`RedisLedger` with a journal for jobs that Redis lost."""

    def __init__(
        self,
        redis: Redis,
        journal: Journal,
        *,
        job_ttl_days: float = 14.0,
        options: StoreOptions = DEFAULTS,
    ) -> None:
        super().__init__(redis, job_ttl_days=job_ttl_days, options=options)
        self._journal = journal

    @classmethod
    def from_settings(cls, settings: Settings) -> JournaledLedger:
        """Return the ledger that the settings name, with the journal in their data directory."""
        return cls(
            connect_redis(settings.redis_url.get_secret_value()),
            Journal.from_settings(settings),
            job_ttl_days=settings.job_ttl_days,
            options=StoreOptions.from_settings(settings),
        )

    def create(self, spec: JobSpec) -> None:
        super().create(spec)
        self._journal.note(spec)  # Last: a job that Redis refused cannot be lost.

    def status(self, job: str) -> JobStatus:
        try:
            return super().status(job)
        except NotFound:
            spec = self._journal.find(job)
            if spec is None:
                raise
            return lost_job_status(spec)

    def jobs(self, *, limit: int = 100, offset: int = 0) -> list[JobStatus]:
        lost = self._lost(offset + limit)
        if not lost:
            return super().jobs(limit=limit, offset=offset)
        both = [*super().jobs(limit=offset + limit), *lost]
        both.sort(key=lambda status: -status.spec.created_at)
        return both[offset : offset + limit]

    def _lost(self, limit: int) -> list[JobStatus]:
        noted = self._journal.newest(limit)
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for spec in noted:
                pipe.exists(job_key(spec.id, "job"))
            there = pipe.execute()
        return [
            lost_job_status(spec)
            for spec, is_there in zip(noted, there, strict=True)
            if not is_there
        ]

    def failures(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
        after: int = -1,
    ) -> Iterator[Failure]:
        self._refuse_lost(job)
        return super().failures(job, reason=reason, host=host, items=items, after=after)

    def problems(self, job: str) -> list[RejectedRow]:
        self._refuse_lost(job)
        return super().problems(job)

    def cancel(self, job: str) -> JobState:
        self._refuse_lost(job)
        return super().cancel(job)

    def retry(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
    ) -> list[int]:
        self._refuse_lost(job)
        return super().retry(job, reason=reason, host=host, items=items)

    def _refuse_lost(self, job: str) -> None:
        """Raise `NotFound` for a lost job: an empty list of failures would mean that nothing failed."""
        status = self.status(job)
        if status.state is JobState.LOST:
            raise NotFound(f"Job {job} is lost.", hint=lost_job_notice(status.spec))
