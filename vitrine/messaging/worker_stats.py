"""Recent measurements of each worker, kept in Redis for a few seconds and read by `vitrine top`.

Prometheus scrapes these and more from each worker directly; this is for installations without Prometheus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import orjson
from redis import Redis

STATS_TTL_SECONDS = 15
"""How long a worker's last report is valid; workers report every three seconds."""


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """Measurements of one worker over its last few seconds."""

    node: str  #: Its name in Celery and Flower.
    embedded: int  #: Pictures embedded since it started.
    failed: int  #: Pictures failed since it started.
    images_per_second: float  #: Pictures with an outcome.
    queries_per_second: float
    bytes_per_second: float  #: Fetched.
    device_busy: float  #: Share of the time in which the device had a batch, 0 to 1.
    batch_size: float  #: Average pictures per bulk batch; 0 if there was none.
    chunks: int  #: Currently in progress.
    memory_bytes: int  #: Resident memory; 0 if the system does not report it.
    stages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Pictures of each job currently in each stage (`vitrine.core.types.STAGES`)."""


def _key(node: str) -> str:
    return f"vitrine:vitals:{node}"


def write_stats(redis: Redis, vitals: WorkerStats) -> None:
    """Write a worker's statistics with an expiry."""
    redis.set(_key(vitals.node), orjson.dumps(asdict(vitals)), ex=STATS_TTL_SECONDS)


def delete_stats(redis: Redis, node: str) -> None:
    """Delete a worker's statistics, on a clean stop."""
    redis.delete(_key(node))


def read_stats(redis: Redis, nodes: Sequence[str]) -> dict[str, WorkerStats]:
    """Return these workers' statistics by node, omitting workers without a recent report."""
    rows = redis.mget([_key(node) for node in nodes]) if nodes else []
    told = (orjson.loads(row) for row in rows if row is not None)
    known = WorkerStats.__dataclass_fields__
    return {
        row["node"]: WorkerStats(**{name: value for name, value in row.items() if name in known})
        for row in told
    }


def images_in_stages(crew: Iterable[WorkerStats], job: str) -> dict[str, int]:
    """Return how many of the job's pictures these workers have in each stage."""
    found: Counter[str] = Counter()
    for told in crew:
        found.update(told.stages.get(job, {}))
    return dict(found)
