"""How many outcomes were recorded in each minute, all jobs together: what a plot of the throughput is drawn from.

A hash a minute, of the ledger's clock, with `embedded` and `failed`; each expires by itself. It is written beside a chunk's
outcomes and after them, not with them: those are of one job and share its slot, this is of all. So a crash in between
makes a plot a chunk short, and never a job.
"""

from __future__ import annotations

from contextlib import suppress

import redis.exceptions
from redis import Redis

from vitrine.ledger.base import FinishReport, MinuteOutcomes

KEPT_MINUTES = 24 * 60
_KEPT_SECONDS = (KEPT_MINUTES + 1) * 60


def record_outcomes(redis_: Redis, report: FinishReport, *, at: float) -> None:
    """Count what finishing a chunk changed, at this moment (unix seconds) of the ledger's clock; never raises for Redis.

    A round trip more for each chunk: 50 us of CPU here and 10 in Redis, under 1 us a picture.
    """
    if not report.newly_embedded and not report.newly_failed:
        return
    key = _key(int(at // 60))
    # The outcomes themselves are in: nothing may make the worker believe that they are not.
    with suppress(redis.exceptions.RedisError), redis_.pipeline(transaction=False) as pipe:
        pipe.hincrby(key, "embedded", report.newly_embedded)
        pipe.hincrby(key, "failed", report.newly_failed)
        pipe.expire(key, _KEPT_SECONDS)
        pipe.execute()


def read_outcomes(redis_: Redis, minutes: int, now: float) -> list[MinuteOutcomes]:
    """The last minutes at this moment, the present one last."""
    wanted = last_minutes(minutes, now)
    with redis_.pipeline(transaction=False) as pipe:
        for minute in wanted:
            pipe.hmget(_key(minute), "embedded", "failed")
        rows = pipe.execute()
    return [
        MinuteOutcomes(minute * 60.0, int(embedded or 0), int(failed or 0))
        for minute, (embedded, failed) in zip(wanted, rows, strict=True)
    ]


def last_minutes(minutes: int, now: float) -> range:
    """Their numbers since the beginning of unix time, the present one last."""
    present = int(now // 60)
    return range(present - min(minutes, KEPT_MINUTES) + 1, present + 1)


def _key(minute: int) -> str:
    return f"vitrine:outcomes:{minute}"
