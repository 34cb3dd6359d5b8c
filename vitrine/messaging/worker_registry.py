"""Which workers are alive: each writes a line about itself every few seconds, and old lines do not count."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import orjson
from redis import Redis

from vitrine.core.scoring import Scoring
from vitrine.store.base import EmbeddingSpace

WORKERS_KEY = "vitrine:workers"
HEARTBEAT_SECONDS = 3.0
STALE_SECONDS = 12.0
"""A worker that missed four beats is taken for gone."""


@dataclass(frozen=True, slots=True)
class StoreOutage:
    """A worker leaves the store alone, because it does not answer."""

    since: float  #: Unix seconds, the worker's own clock.
    why: str  #: What the store answered last, in a sentence.

    def sentence(self) -> str:
        """For people: since when, in UTC, and why."""
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"store away since {since}: {self.why}"


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker as it tells of itself."""

    node: str  #: Its name in Celery and Flower; unique while it lives.
    model: str
    revision: str
    policy: str
    dimension: int
    device: str
    supports_text: bool
    pid: int
    started_at: float  #: Unix seconds, the worker's own clock.
    store_away: StoreOutage | None = None  #: None while it can store.
    scoring: Scoring | None = None
    """The model's own score of a picture and a text; None where it has none."""
    metrics: str | None = None  #: `host:port` at which it tells Prometheus its metrics.

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space that its vectors are in."""
        return EmbeddingSpace(self.model, self.revision, self.policy, self.dimension)


def _now(redis: Redis) -> float:
    seconds, micros = redis.time()
    return float(seconds) + float(micros) / 1e6


def register_worker(redis: Redis, worker: WorkerInfo) -> None:
    """Write the line, with the ledger's time."""
    line = orjson.dumps({"seen": _now(redis), "worker": asdict(worker)})
    redis.hset(WORKERS_KEY, worker.node, line)


def deregister_worker(redis: Redis, node: str) -> None:
    """Take the line away, on a clean stop."""
    redis.hdel(WORKERS_KEY, node)


def live_workers(redis: Redis, model: str | None = None) -> list[WorkerInfo]:
    """The workers that are alive, by node; lines of dead ones are swept away."""
    now = _now(redis)
    alive: list[WorkerInfo] = []
    for node, raw in sorted(redis.hgetall(WORKERS_KEY).items()):
        line = orjson.loads(raw)
        if now - line["seen"] > STALE_SECONDS:
            redis.hdel(WORKERS_KEY, node)
            continue
        if line["seen"] > now:
            # The clock was set back: by the old time a dead worker would stay alive until it has come round again.
            redis.hset(WORKERS_KEY, node, orjson.dumps({**line, "seen": now}))
        worker = _read(line["worker"])
        if model is None or worker.model == model:
            alive.append(worker)
    return alive


def _read(told: dict[str, Any]) -> WorkerInfo:
    """A line's worker; what a newer release tells of itself, and this one does not know, is left out."""
    known = {field.name for field in fields(WorkerInfo)}
    away, scoring = told.get("store_away"), told.get("scoring")
    return WorkerInfo(
        **{
            **{name: value for name, value in told.items() if name in known},
            "store_away": StoreOutage(**away) if away else None,
            "scoring": Scoring(**scoring) if scoring else None,
        }
    )
