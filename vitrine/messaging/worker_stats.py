"""What each worker measured of itself lately, in Redis for a few seconds: what `vitrine top` reads.

Prometheus reads the same and more from each worker itself; this is for who has no Prometheus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import orjson
from redis import Redis

STATS_TTL_SECONDS = 15
"""As long as a worker that tells nothing more is believed; it tells every three seconds."""


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """One worker, over its last seconds."""

    node: str  #: Its name in Celery and Flower.
    embedded: int  #: Pictures embedded since it started.
    failed: int  #: Pictures failed since it started.
    images_per_second: float  #: Pictures with an outcome.
    queries_per_second: float
    bytes_per_second: float  #: Fetched.
    device_busy: float  #: The share of the time in which the device had a batch, 0 to 1.
    batch_size: float  #: Pictures a bulk batch, on average; 0 where there was none.
    chunks: int  #: In work at this moment.
    memory_bytes: int  #: Resident; 0 where the system does not say.
    stages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many pictures of each job are in which stage (`vitrine.core.types.STAGES`) at this moment."""


def _key(node: str) -> str:
    return f"vitrine:vitals:{node}"


def write_stats(redis: Redis, vitals: WorkerStats) -> None:
    """Write it, to be forgotten by itself."""
    redis.set(_key(vitals.node), orjson.dumps(asdict(vitals)), ex=STATS_TTL_SECONDS)


def delete_stats(redis: Redis, node: str) -> None:
    """Take it away, on a clean stop."""
    redis.delete(_key(node))


def read_stats(redis: Redis, nodes: Sequence[str]) -> dict[str, WorkerStats]:
    """What these workers told, by node; those that told nothing lately are left out."""
    rows = redis.mget([_key(node) for node in nodes]) if nodes else []
    told = (orjson.loads(row) for row in rows if row is not None)
    known = WorkerStats.__dataclass_fields__
    return {
        row["node"]: WorkerStats(**{name: value for name, value in row.items() if name in known})
        for row in told
    }


def images_in_stages(crew: Iterable[WorkerStats], job: str) -> dict[str, int]:
    """How many pictures of the job all of them have in each stage."""
    found: Counter[str] = Counter()
    for told in crew:
        found.update(told.stages.get(job, {}))
    return dict(found)
