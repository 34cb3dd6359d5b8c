"""The registry of live workers: each writes an entry every few seconds, and stale entries are ignored."""

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
"""A worker that missed four heartbeats counts as dead."""


@dataclass(frozen=True, slots=True)
class StoreOutage:
    """A worker's pause in using the store, because the store does not respond."""

    since: float  #: Unix seconds on the worker's clock.
    why: str  #: The store's last error, as a sentence.

    def sentence(self) -> str:
        """Return a sentence for people: since when, in UTC, and why."""
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"store unreachable since {since}: {self.why}"


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker's description of itself."""

    node: str  #: Its name in Celery and Flower; unique while it lives.
    model: str
    revision: str
    policy: str
    dimension: int
    device: str
    supports_text: bool
    pid: int
    started_at: float  #: Unix seconds on the worker's clock.
    store_away: StoreOutage | None = None  #: None while the worker can reach the store.
    scoring: Scoring | None = None
    """The model's built-in score of a picture and a text, or None if it has none."""
    metrics: str | None = None  #: `host:port` where Prometheus can scrape its metrics.

    @property
    def space(self) -> EmbeddingSpace:
        """The embedding space of its vectors."""
        return EmbeddingSpace(self.model, self.revision, self.policy, self.dimension)


def _now(redis: Redis) -> float:
    seconds, micros = redis.time()
    return float(seconds) + float(micros) / 1e6


def register_worker(redis: Redis, worker: WorkerInfo) -> None:
    """Write the worker's entry, stamped with the ledger's time."""
    line = orjson.dumps({"seen": _now(redis), "worker": asdict(worker)})
    redis.hset(WORKERS_KEY, worker.node, line)


def deregister_worker(redis: Redis, node: str) -> None:
    """Remove the worker's entry, on a clean stop."""
    redis.hdel(WORKERS_KEY, node)


def live_workers(redis: Redis, model: str | None = None) -> list[WorkerInfo]:
    """Return the live workers by node, and delete the entries of dead ones."""
    now = _now(redis)
    alive: list[WorkerInfo] = []
    for node, raw in sorted(redis.hgetall(WORKERS_KEY).items()):
        line = orjson.loads(raw)
        if now - line["seen"] > STALE_SECONDS:
            redis.hdel(WORKERS_KEY, node)
            continue
        if line["seen"] > now:
            # The clock was set back. With the old timestamp, a dead worker would seem alive until the clock catches up.
            redis.hset(WORKERS_KEY, node, orjson.dumps({**line, "seen": now}))
        worker = _read(line["worker"])
        if model is None or worker.model == model:
            alive.append(worker)
    return alive


def _read(told: dict[str, Any]) -> WorkerInfo:
    """Read an entry's worker, ignoring fields that only a newer release knows."""
    known = {field.name for field in fields(WorkerInfo)}
    away, scoring = told.get("store_away"), told.get("scoring")
    return WorkerInfo(
        **{
            **{name: value for name, value in told.items() if name in known},
            "store_away": StoreOutage(**away) if away else None,
            "scoring": Scoring(**scoring) if scoring else None,
        }
    )
