"""Checks of Redis: whether it responds, is new enough, and keeps its data."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from redis import Redis

from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.doctor.finding import Finding, FindingFactory
from vitrine.doctor.version import parse_major_minor

MIN_REDIS_VERSION = (6, 2)
"""The oldest version that the tests cover: the server in the standalone service's wheel."""
FULL_SHARE = 0.8
SLOW_MS = 5.0
"""A slower ping means a remote Redis: each chunk sends it a dozen commands."""
SKEW_SECONDS = 5.0
PINGS = 9

_BOOK = FindingFactory("Redis")


@dataclass(frozen=True, slots=True)
class RedisProbe:
    """The server's INFO, the time of a ping, and how far its clock is ahead of ours."""

    info: Mapping[str, Any]
    ping_ms: float
    ahead_seconds: float


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Probe Redis; raises `LedgerUnavailable` if it does not respond, `BadInput` for an invalid URL."""
    with closing(connect_redis(settings.redis_url.get_secret_value())) as redis:
        with redis_errors():
            vitals = _probe(redis)
        yield from redis_findings(vitals)


def _probe(redis: Redis) -> RedisProbe:
    took: list[float] = []
    for _ in range(PINGS):
        start = time.perf_counter()
        redis.ping()
        took.append(1000.0 * (time.perf_counter() - start))
    before = time.time()
    seconds, micros = redis.time()
    ours = (before + time.time()) / 2
    info: dict[str, Any] = redis.info()
    return RedisProbe(info, sorted(took)[PINGS // 2], float(seconds) + float(micros) / 1e6 - ours)


def redis_findings(vitals: RedisProbe) -> Iterator[Finding]:
    """Yield the findings from the measurements."""
    yield from _version(vitals.info)
    yield from _role(vitals.info)
    yield from _persistence(vitals.info)
    yield from _memory(vitals.info)
    yield from _speed(vitals.ping_ms)
    yield from _clock(vitals.ahead_seconds)


def _version(info: Mapping[str, Any]) -> Iterator[Finding]:
    told = str(info.get("valkey_version") or info.get("redis_version", ""))
    name = "Valkey" if "valkey_version" in info else "Redis"
    if parse_major_minor(told) < MIN_REDIS_VERSION:
        oldest = ".".join(map(str, MIN_REDIS_VERSION))
        yield _BOOK.warning(
            f"{name} {told or 'of an unknown version'} responds, but versions before {oldest} are not tested.",
            f"Use Redis {oldest} or newer.",
        )
    else:
        yield _BOOK.good(f"{name} {told} answers.")


def _role(info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("role") != "master":
        yield _BOOK.wrong(
            "It is a replica, which refuses writes.",
            "Point VITRINE_REDIS_URL at the primary.",
        )


def _persistence(info: Mapping[str, Any]) -> Iterator[Finding]:
    if not info.get("aof_enabled"):
        yield _BOOK.warning(
            "It has no append-only file: a restart loses all jobs and their failures.",
            "Set appendonly yes and appendfsync everysec (CONFIG SET appendonly yes takes effect immediately).",
        )
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield _BOOK.wrong(
            "It cannot write its append-only file, so it refuses writes.",
            "Free space on the disk with Redis's data; see its log.",
        )
    else:
        yield _BOOK.good("It has an append-only file.")


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy, limit = str(info.get("maxmemory_policy", "")), int(info.get("maxmemory", 0))
    if policy != "noeviction":
        yield (_BOOK.wrong if limit else _BOOK.warning)(
            f"It evicts keys when it is full ({policy}): jobs can disappear.",
            "Set maxmemory-policy noeviction: a full Redis then refuses writes, which vitrine reports and survives.",
        )
    else:
        yield _BOOK.good("It does not evict keys.")
    used = int(info.get("used_memory", 0))
    if not limit:
        yield _BOOK.note(f"It uses {_mebibytes(used)} and has no limit (maxmemory).")
    elif used > FULL_SHARE * limit:
        yield _BOOK.warning(
            f"It is nearly full: {_mebibytes(used)} of {_mebibytes(limit)}.",
            "Raise maxmemory, or lower VITRINE_MAX_PENDING_IMAGES or VITRINE_JOB_TTL_DAYS.",
        )
    else:
        yield _BOOK.good(f"It uses {_mebibytes(used)} of {_mebibytes(limit)}.")


def _speed(ping_ms: float) -> Iterator[Finding]:
    if ping_ms > SLOW_MS:
        yield _BOOK.warning(
            f"A ping takes {ping_ms:.1f} ms; each chunk of pictures needs a dozen round trips.",
            "Run Redis near the workers.",
        )
    else:
        yield _BOOK.good(f"A ping takes {ping_ms:.2f} ms.")


def _clock(ahead: float) -> Iterator[Finding]:
    book = FindingFactory("clock")
    if abs(ahead) > SKEW_SECONDS:
        way = "behind" if ahead > 0 else "ahead of"
        yield book.warning(
            f"This machine's clock is {abs(ahead):.0f} s {way} Redis's clock. Jobs are timed by Redis's "
            "clock; logs and vectors carry this machine's time.",
            "Synchronise both with NTP.",
        )
    else:
        yield book.good(f"Clock difference with Redis: {abs(ahead):.2f} s.")


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"
