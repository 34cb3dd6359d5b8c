"""Read access to the ledger on Redis: counts, failures, rejected rows. Nothing here changes a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from redis import Redis

from vitrine.core.redis_client import as_bytes, redis_errors
from vitrine.core.types import Failure, JobState, JobStatus, RejectedRow
from vitrine.ledger import codec, outcome_rate
from vitrine.ledger.base import CHECKSUM_BYTES, ChunksLeft, MinuteOutcomes
from vitrine.ledger.rules import failure_matches, missing_job
from vitrine.ledger.scripts import job_key

JOBS_KEY = "vitrine:jobs"
"""Job ids by creation time."""
_BLOCK = 64 * 1024
"""Bytes per read of a bitmap: half a million pictures."""
_ROWS = 1000


class LedgerReader:
    """The read methods of the ledger on Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def clock(self) -> float:
        with redis_errors():
            seconds, micros = self._redis.time()
        return float(seconds) + float(micros) / 1e6

    def jobs(self, *, limit: int = 100, offset: int = 0) -> list[JobStatus]:
        with redis_errors():
            ids = cast("list[bytes]", self._redis.zrevrange(JOBS_KEY, offset, offset + limit - 1))
            with self._redis.pipeline(transaction=False) as pipe:
                for job in ids:
                    pipe.hgetall(job_key(job.decode(), "job"))
                rows = pipe.execute()
            # A job that expired leaves its id behind.
            gone = [job for job, row in zip(ids, rows, strict=True) if not row]
            if gone:
                self._redis.zrem(JOBS_KEY, *gone)
        return [_status(row) for row in rows if row.get(b"spec")]

    def status(self, job: str) -> JobStatus:
        with redis_errors():
            row = cast("dict[bytes, bytes]", self._redis.hgetall(job_key(job, "job")))
        if not row.get(b"spec"):
            raise missing_job(job)
        return _status(row)

    def chunks_left(self, job: str) -> ChunksLeft:
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for place in ChunksLeft._fields:
                pipe.zcard(job_key(job, place))
            return ChunksLeft(*pipe.execute())

    def outcomes(self, minutes: int) -> list[MinuteOutcomes]:
        now = self.clock()
        with redis_errors():
            return outcome_rate.read_outcomes(self._redis, minutes, now)

    def failures(
        self,
        job: str,
        *,
        reason: str | None = None,
        host: str | None = None,
        items: frozenset[str] | None = None,
        after: int = -1,
    ) -> Iterator[Failure]:
        self.status(job)
        return (
            failure
            for ordinals in self._failed_ordinals(job, after)
            for failure in self._read_failures(job, ordinals)
            if failure_matches(failure, reason=reason, host=host, items=items)
        )

    def _failed_ordinals(self, job: str, after: int) -> Iterator[list[int]]:
        key = job_key(job, "failed")
        start = (after + 1) // 8
        while True:
            with redis_errors():
                # Skip stretches without failures, however long they are.
                start = self._redis.bitpos(key, 1, start) // 8
                if start < 0:
                    return
                block = as_bytes(self._redis.getrange(key, start, start + _BLOCK - 1))
            ordinals = [(start + at) * 8 + bit for at, byte in enumerate(block) if byte
                        for bit in range(8) if byte & (0x80 >> bit)]  # fmt: skip
            beyond = [ordinal for ordinal in ordinals if ordinal > after]
            for first in range(0, len(beyond), _ROWS):
                yield beyond[first : first + _ROWS]
            start += len(block)

    def _read_failures(self, job: str, ordinals: list[int]) -> Iterator[Failure]:
        with redis_errors():
            rows = self._redis.hmget(
                job_key(job, "failures"), [str(ordinal) for ordinal in ordinals]
            )
        return (codec.unpack_failure(as_bytes(row)) for row in rows if row is not None)

    def problems(self, job: str) -> list[RejectedRow]:
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            pipe.lrange(job_key(job, "problems"), 0, -1)
            pipe.hget(job_key(job, "job"), "broken_off")
            rows, broken_off = pipe.execute()
        return [codec.unpack_problem(row) for row in (*rows, broken_off) if row is not None]

    def marks(self, job: str) -> Iterator[bytes]:
        start = 0
        while True:
            with redis_errors():
                block = as_bytes(
                    self._redis.getrange(job_key(job, "marks"), start, start + _BLOCK - 1)
                )
            if not block:
                return
            yield from (
                block[at : at + CHECKSUM_BYTES] for at in range(0, len(block), CHECKSUM_BYTES)
            )
            start += len(block)


def _status(row: dict[bytes, bytes]) -> JobStatus:
    def number(name: bytes) -> int:
        return int(row.get(name, 0))

    finished, broken_off = row.get(b"finished"), row.get(b"broken_off")
    return JobStatus(
        spec=codec.unpack_spec(row[b"spec"]),
        state=JobState(row[b"state"].decode()),
        items=number(b"items"),
        images=number(b"images"),
        embedded=number(b"embedded"),
        failed=number(b"failed"),
        cancelled=number(b"cancelled"),
        rejected_rows=number(b"rejected"),
        failed_by_reason=_counts(row, b"reason:"),
        fed_at=float(row.get(b"fed", row.get(b"updated", 0))),
        updated_at=float(row.get(b"updated", 0)),
        finished_at=None if finished is None else float(finished),
        indexed=number(b"index:indexed"),
        points=number(b"index:points"),
        stages=codec.unpack_stages(row),
        rejected_by_code=_counts(row, b"rejected:"),
        broken_off=None if broken_off is None else codec.unpack_problem(broken_off),
    )


def _counts(row: dict[bytes, bytes], prefix: bytes) -> dict[str, int]:
    """Return the counts above 0 in the fields with this prefix, by the rest of their names."""
    return {
        key[len(prefix) :].decode(): int(value)
        for key, value in sorted(row.items())
        if key.startswith(prefix) and int(value) > 0
    }
