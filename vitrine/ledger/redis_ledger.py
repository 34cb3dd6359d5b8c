"""The ledger on Redis: bitmaps for outcomes, sorted sets for queue and lease times, Lua for each step.

Every change of a chunk is one script, so a crash cannot leave half a change. A job's keys::

    vitrine:{JOB}:job                    hash    spec, state, counts, seconds per stage, progress of its index, where its file broke off
    vitrine:{JOB}:embedded|failed|cancelled      bitmaps, one bit per picture
    vitrine:{JOB}:failures               hash    ordinal -> reason and record
    vitrine:{JOB}:problems               list    the first rejected rows
    vitrine:{JOB}:queued|leased|due      zsets   chunk -> queued at | leased until | deferred until
    vitrine:{JOB}:tokens|attempts|suspect        hashes by chunk
    vitrine:{JOB}:strikes                hash    ordinal -> how many workers died on it
    vitrine:{JOB}:marks                  string  8 bytes per chunk while it is open, compared by a resume
    vitrine:{JOB}:chunk:N                string  the pictures of a chunk, freed when it is done
    vitrine:jobs, vitrine:active         zset and set of job ids
    vitrine:outcomes:M                   hash    outcomes recorded in minute M, kept for a day
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping, Sequence

from redis import Redis

from vitrine.core.broken_off import find_break, is_break
from vitrine.core.redis_client import as_bytes, connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.core.types import Chunk, Failure, JobSpec, JobState, RejectedRow, StageTotal
from vitrine.ledger import codec, outcome_rate
from vitrine.ledger.base import (
    MAX_INDEX_CHECK_GAP,
    MAX_PICTURE_CRASHES,
    MAX_REJECTED_ROWS,
    NO_STAGES,
    Deferral,
    FinishReport,
    Lease,
    LeaseRefusal,
    NewChunk,
)
from vitrine.ledger.job_control import ACTIVE_KEY, LedgerControl, parse_state, require_state
from vitrine.ledger.queries import JOBS_KEY
from vitrine.ledger.rules import remaining_images
from vitrine.ledger.scripts import job_key, job_keys


class RedisLedger(LedgerControl):
    """`vitrine.ledger.base.Ledger` on Redis; safe to use from several threads."""

    def __init__(
        self, redis: Redis, *, job_ttl_days: float = 14.0, options: StoreOptions = DEFAULTS
    ) -> None:
        super().__init__(redis, ttl=int(job_ttl_days * 86400))
        self._options = options

    @classmethod
    def connect(
        cls, url: str, *, job_ttl_days: float = 14.0, options: StoreOptions = DEFAULTS
    ) -> RedisLedger:
        """Return a ledger at the URL; nothing is sent before the first call.

        Jobs created through it wait for their index if they embed at least `options.index_points` pictures.
        """
        return cls(connect_redis(url), job_ttl_days=job_ttl_days, options=options)

    @classmethod
    def from_settings(cls, settings: Settings) -> RedisLedger:
        """Return the ledger that the settings name."""
        return cls.connect(
            settings.redis_url.get_secret_value(),
            job_ttl_days=settings.job_ttl_days,
            options=StoreOptions.from_settings(settings),
        )

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def ping(self) -> None:
        with redis_errors():
            self._redis.ping()

    # --- for producers -------------------------------------------------------------------------
    def create(self, spec: JobSpec) -> None:
        fields = {
            "spec": codec.pack_spec(spec),
            "state": JobState.OPEN,
            "fed": self.clock(),
            "bulk": self._options.index_points,
        }
        with redis_errors():
            # Listed before, so that a crash cannot leave an unlisted job; and again after, because the
            # sweeper removes ids without a job from the list.
            self._index(spec)
            self._redis.hset(job_key(spec.id, "job"), mapping=fields)  # type: ignore[arg-type]
            self._index(spec)

    def _index(self, spec: JobSpec) -> None:
        self._redis.sadd(ACTIVE_KEY, spec.id)
        self._redis.zadd(JOBS_KEY, {spec.id: spec.created_at})

    def add_chunks(
        self, job: str, chunks: Sequence[NewChunk], *, after: bytes | None = None
    ) -> list[int]:
        token = uuid.uuid4().hex
        args: list[bytes | str | float] = [*_checked(after)]
        for chunk in chunks:
            blob = codec.pack_rows(chunk.rows or codec.image_rows(chunk.images))
            args += [blob, len(chunk.images), chunk.items, chunk.mark]
        while True:
            with redis_errors():
                first = int(self._redis.hget(job_key(job, "job"), "chunks") or 0)
            numbers = list(range(first, first + len(chunks)))
            keys = job_keys(job, *numbers)
            state = as_bytes(self._scripts.run("add_chunks", keys, first, token, *args)).decode()
            if state != "taken":
                require_state(job, state, JobState.OPEN)
                return numbers

    def add_rejected_rows(
        self, job: str, problems: Sequence[RejectedRow], *, by_code: Mapping[str, int], before: int
    ) -> None:
        broken_off = find_break(problems)
        args: list[bytes | str | float] = [
            before,
            sum(by_code.values()),
            MAX_REJECTED_ROWS,
            b"" if broken_off is None else codec.pack_problem(broken_off),
            len(by_code),
        ]
        for code, count in by_code.items():
            args += [code, count]
        kept = (row for row in problems if not is_break(row))
        args += map(codec.pack_problem, itertools.islice(kept, MAX_REJECTED_ROWS))
        parse_state(job, self._scripts.run("reject", job_keys(job), *args))

    def seal(self, job: str, *, after: bytes | None = None) -> JobState:
        state = parse_state(
            job, self._scripts.run("seal", job_keys(job), self._ttl, *_checked(after))
        )
        self._note(job, state)
        return state

    def pending_images(self) -> int:
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for job in self.active_jobs():
                pipe.hmget(job_key(job, "job"), "images", "embedded", "failed", "cancelled")
            rows = [[int(value or 0) for value in row] for row in pipe.execute()]
        return sum(row[0] - sum(row[1:]) for row in rows)

    # --- for workers ---------------------------------------------------------------------------
    def lease(self, job: str, number: int, *, seconds: float) -> Lease | LeaseRefusal:
        token = uuid.uuid4().hex
        answer = self._scripts.run("lease", job_keys(job, number), number, seconds, token)
        verdict = as_bytes(answer[0]).decode()
        if verdict != "ok":
            return LeaseRefusal(verdict)
        _, blob, attempt, spec, strikes = answer
        images = codec.unpack_images(blob)
        counts = dict(zip(map(int, strikes[::2]), map(int, strikes[1::2]), strict=True))
        struck = {image.ordinal: counts.get(image.ordinal, 0) for image in images}
        return Lease(
            chunk=Chunk(job, number, images),
            spec=codec.unpack_spec(spec),
            token=token,
            attempt=int(attempt),
            suspects=tuple(o for o, n in struck.items() if 0 < n < MAX_PICTURE_CRASHES),
            poison_ordinals=tuple(o for o, n in struck.items() if n >= MAX_PICTURE_CRASHES),
        )

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        job, number = lease.chunk.job, lease.chunk.number
        return bool(self._scripts.run("renew", job_keys(job, number), number, seconds, lease.token))

    def suspect(self, lease: Lease, ordinal: int | None) -> None:
        job, number = lease.chunk.job, lease.chunk.number
        named = "" if ordinal is None else ordinal
        self._scripts.run("suspect", job_keys(job, number), number, lease.token, named)

    def finish(
        self,
        lease: Lease,
        *,
        embedded: Sequence[int],
        failures: Sequence[Failure],
        deferrals: Sequence[Deferral] = (),
        stages: Mapping[str, StageTotal] = NO_STAGES,
        keep: bool = False,
    ) -> FinishReport:
        job, number = lease.chunk.job, lease.chunk.number
        rest, due = remaining_images(
            lease, embedded=embedded, failures=failures, deferrals=deferrals
        )
        args: list[bytes | str | float] = [
            number,
            lease.token,
            self._ttl,
            codec.pack_images(rest) if rest else b"",
            "keep" if keep else _when(due),
            codec.pack_stages(stages),
            len(embedded),
            *embedded,
        ]
        for failure in failures:
            args += [failure.image.ordinal, failure.reason.value, codec.pack_failure(failure)]
        answer = self._scripts.run("finish", job_keys(job, number), *args)
        state = parse_state(job, answer[0])
        self._note(job, state)
        reasons = (as_bytes(reason).decode() for reason in answer[5::2])
        by_reason = dict(zip(reasons, map(int, answer[6::2]), strict=True))
        report = FinishReport(bool(answer[1]), int(answer[2]), int(answer[3]), state, by_reason)
        outcome_rate.record_outcomes(self._redis, report, at=float(answer[4]))
        return report

    def release(self, lease: Lease, *, due: float | None = None) -> None:
        job, number = lease.chunk.job, lease.chunk.number
        keys = job_keys(job, number)
        self._scripts.run("release", keys, number, lease.token, _when(due), self._ttl)

    # --- for the sweeper -----------------------------------------------------------------------
    def sweep(self, job: str, *, lost_before: float, limit: int = 1000) -> list[int]:
        answer = self._scripts.run("sweep", job_keys(job), f"{lost_before:.6f}", limit, self._ttl)
        state = as_bytes(answer[0]).decode()
        if state == "unknown":
            self._forget(job)
            return []
        numbers = [int(number) for number in answer[1:]]
        if state in {JobState.CANCELLING, JobState.CANCELLED}:
            self._unlink(job, numbers)
            state, numbers = self._drain(job), []
        self._note(job, JobState(state))
        return numbers

    def record_index_progress(self, job: str, *, indexed: int, points: int) -> float:
        return float(
            self._scripts.run("note_index", job_keys(job), indexed, points, MAX_INDEX_CHECK_GAP)
        )

    def complete(self, job: str) -> JobState:
        state = parse_state(job, self._scripts.run("complete", job_keys(job), self._ttl))
        self._note(job, state)
        return state

    def attempts(self, job: str, numbers: Sequence[int]) -> list[int]:
        if not numbers:
            return []
        with redis_errors():
            found = self._redis.hmget(job_key(job, "attempts"), [str(number) for number in numbers])
        return [int(count or 0) for count in found]

    def queued_at(self, job: str, numbers: Sequence[int]) -> list[float | None]:
        if not numbers:
            return []
        with redis_errors():
            scores = self._redis.zmscore(
                job_key(job, "queued"), [str(number) for number in numbers]
            )
        return [None if score is None else float(score) for score in scores]


def _checked(after: bytes | None) -> tuple[str, bytes]:
    """Return the script arguments that say whether the last mark is compared, and with what."""
    return ("", b"") if after is None else ("1", after)


def _when(due: float | None) -> str:
    """Format a time for the scripts; empty for immediately."""
    return "" if due is None else f"{due:.6f}"
