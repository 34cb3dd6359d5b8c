"""Control of jobs on Redis: cancelling a job, retrying its failures, and the list of unfinished jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from redis import Redis

from vitrine.core.errors import Conflict
from vitrine.core.redis_client import as_bytes, redis_errors
from vitrine.core.types import CHUNK_SIZE, ImageRef, JobState
from vitrine.ledger import codec
from vitrine.ledger.queries import JOBS_KEY, LedgerReader
from vitrine.ledger.rules import diverged_job, missing_job
from vitrine.ledger.scripts import Scripts, job_key, job_keys

ACTIVE_KEY = "vitrine:active"
"""Ids of unfinished jobs."""
_RETRYABLE = (
    JobState.RUNNING,
    JobState.INDEXING,
    JobState.COMPLETED,
    JobState.COMPLETED_WITH_FAILURES,
)


class LedgerControl(LedgerReader):
    """Operations that users perform on a job, and the bookkeeping after each state change."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        super().__init__(redis)
        self._ttl = ttl  #: Seconds for which a finished job is kept.
        self._scripts = Scripts(redis)

    def active_jobs(self) -> list[str]:
        with redis_errors():
            return sorted(as_bytes(job).decode() for job in self._redis.smembers(ACTIVE_KEY))

    def cancel(self, job: str) -> JobState:
        before = parse_state(job, self._scripts.run("cancel", job_keys(job)))
        if before.finished or before is JobState.INDEXING:
            raise Conflict(f"Job {job} is already {before}.")
        state = JobState(self._drain(job))
        self._note(job, state)
        return state

    def _drain(self, job: str) -> str:
        """Free a cancelled job's waiting chunks, in batches that do not block Redis, and finish the job if it is idle."""
        for waiting in ("queued", "due"):
            while numbers := self._first(job, waiting):
                # Blobs first: a crash in between leaves the numbers, which the next sweep finds.
                self._unlink(job, numbers)
                with redis_errors():
                    self._redis.zrem(job_key(job, waiting), *map(str, numbers))
        return as_bytes(self._scripts.run("settle", job_keys(job), self._ttl)).decode()

    def _first(self, job: str, waiting: str) -> list[int]:
        with redis_errors():
            found = self._redis.zrange(job_key(job, waiting), 0, 999)
        return [int(number) for number in cast("list[bytes]", found)]

    def _unlink(self, job: str, numbers: Sequence[int]) -> None:
        if numbers:
            with redis_errors():
                self._redis.unlink(*(job_key(job, f"chunk:{number}") for number in numbers))

    def retry(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
    ) -> list[int]:
        require_state(job, self.status(job).state, *_RETRYABLE)
        asked_at = self.clock()
        chosen: list[ImageRef] = []
        numbers: list[int] = []
        for failure in self.failures(job, reason=reason, host=host, items=items):
            if failure.failed_at > asked_at:
                continue  # This call has already retried it, and it failed again.
            chosen.append(failure.image)
            if len(chosen) == CHUNK_SIZE:
                numbers += self._requeue(job, chosen, asked_at)
                chosen = []
        if chosen:
            numbers += self._requeue(job, chosen, asked_at)
        return numbers

    def _requeue(self, job: str, images: list[ImageRef], asked_at: float) -> list[int]:
        """Put the pictures whose failures are unchanged since then into a chunk; return its number, or nothing if none are."""
        while images:
            with redis_errors():
                self._redis.sadd(ACTIVE_KEY, job)
                number = int(self._redis.hincrby(job_key(job, "job"), "chunks", 1)) - 1
            fresh = codec.pack_images([replace(image, rounds=0) for image in images])
            ordinals = [image.ordinal for image in images]
            keys = job_keys(job, number)
            answer = as_bytes(self._scripts.run("retry", keys, number, fresh, *ordinals)).decode()
            if answer != "changed":
                self._note(job, parse_state(job, answer))
                require_state(job, answer, *_RETRYABLE)
                return [number]
            # Another retry took some of them meanwhile: the number stays unused, like that of a finished chunk.
            left = self._read_failures(job, ordinals)
            images = [failure.image for failure in left if failure.failed_at <= asked_at]
        self._note(job, self.status(job).state)
        return []

    def _note(self, job: str, state: JobState) -> None:
        if not state.finished:
            return
        with redis_errors():
            self._redis.srem(ACTIVE_KEY, job)
            # A concurrent retry may have added it just before we removed it.
            now = self._redis.hget(job_key(job, "job"), "state")
            if now is not None and not JobState(as_bytes(now).decode()).finished:
                self._redis.sadd(ACTIVE_KEY, job)

    def _forget(self, job: str) -> None:
        with redis_errors():
            self._redis.srem(ACTIVE_KEY, job)
            self._redis.zrem(JOBS_KEY, job)


def parse_state(job: str, state: bytes | str) -> JobState:
    """Return the state from a script's reply; raises `NotFound` for `unknown` and `LedgerUnavailable` for `parted`."""
    name = as_bytes(state).decode()
    if name == "unknown":
        raise missing_job(job)
    if name == "parted":
        raise diverged_job(job)
    return JobState(name)


def require_state(job: str, state: bytes | str, *wanted: JobState) -> None:
    """Raise `Conflict` unless the state from a script's reply is one of those wanted."""
    now = parse_state(job, state)
    if now not in wanted:
        raise Conflict(f"Job {job} is {now}, so this is not possible.")
