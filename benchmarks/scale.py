"""Cost per item at every job size: submitting and processing, in CPU, Redis and memory.

::

    python -m benchmarks.scale [--items 10000,100000,1000000] [--rounds 3] [--json]

A run submits a CSV catalog with one picture per item, as `vitrine submit` does, from a separate process to a real Redis
with its append-only file. Then a worker takes every message, leases, decodes, batches and finishes, without network,
model or store (`benchmarks.parts.walking`). Sizes are interleaved. A job of more than 200,000 items is processed in
the last round only, and cancelled in the others.

Costs are CPU per item: of the submitting process, of the worker, and of Redis. `_growth` is the median of the most
expensive size divided by that of the cheapest: 1.1 is flat within 10%.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from redis import Redis

from benchmarks import catalog
from benchmarks.interleave import interleaved
from benchmarks.parts.redis_gauge import RedisGauge
from benchmarks.parts.submitting import MODEL, WARM_UP_MODEL, Submitted, submitted
from benchmarks.parts.walking import walk_all, walking
from benchmarks.report import Report, parser
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.ledger.scripts import job_keys
from vitrine.messaging.broker import BROKER_PREFIX, ingest_queue
from vitrine.standalone.private_redis import PrivateRedis

ITEMS = "10000,100000,1000000"
QUICK_ITEMS = "1000,4000"
WARM_UP_ITEMS = 2000
WALKED_EACH_ROUND = 200_000
"""Largest job in items that is processed in every round; processing takes about 150 us per item."""
FLAT = ("submit_cpu_us", "submit_redis_us", "walk_cpu_us", "walk_redis_us", "pending_bytes")


@dataclass(frozen=True, slots=True)
class Walked:
    """Results of processing a job, per item."""

    cpu_us: float
    redis_us: float
    items_per_s: float
    finished_bytes: float  #: Of Redis, once every picture has an outcome.


@dataclass(frozen=True, slots=True)
class Turn:
    """Results of one job, per item."""

    submitted: Submitted
    pending_bytes: float  #: Of Redis: blobs, ledger and messages.
    walked: Walked | None

    @property
    def submit_cpu_us(self) -> float:
        """CPU of the submitting process."""
        return 1e6 * self.submitted.cpu_seconds / self.submitted.items

    @property
    def submit_redis_us(self) -> float:
        """CPU of Redis during submission."""
        return 1e6 * self.submitted.redis_cpu_seconds / self.submitted.items

    @property
    def rows_per_s(self) -> float:
        """Rows per second from the file to the queue, by wall time."""
        return self.submitted.items / self.submitted.seconds


class Bench:
    """A Redis, and catalogs of each size."""

    def __init__(self, folder: Path, redis_url: str, rounds: int) -> None:
        self._folder = folder
        self._url = redis_url
        self._rounds = rounds
        self._redis = Redis.from_url(redis_url)
        self._gauge = RedisGauge(self._redis)
        self._ledger = RedisLedger.connect(redis_url)
        self._turns: Counter[int] = Counter()

    def close(self) -> None:
        """Close the connections."""
        self._ledger.close()
        self._redis.close()

    def catalog(self, items: int) -> Path:
        """Return a catalog of this many items, written if it does not exist yet."""
        path = self._folder / f"{items}.csv"
        if not path.exists():
            writer = get_context("spawn").Process(
                target=catalog.write, args=(path, items, "csv", 1)
            )
            writer.start()
            writer.join()
        return path

    def turn(self, items: int) -> Turn:
        """Submit a job, then process or cancel it."""
        self._turns[items] += 1
        path, warm_up = self.catalog(items), self.catalog(WARM_UP_ITEMS)
        used = self._gauge.bytes_used()
        found = submitted(path, warm_up, self._url)
        self._forget(found.warm_up_job, WARM_UP_MODEL)
        pending = (self._gauge.bytes_used() - used) / found.items
        last = self._turns[items] == self._rounds
        walked = self._walk(found, used) if items <= WALKED_EACH_ROUND or last else None
        self._forget(found.job, MODEL)
        return Turn(found, pending, walked)

    def _walk(self, job: Submitted, used: int) -> Walked:
        with walking(self._ledger) as worker:
            began, cpu = time.perf_counter(), time.process_time()
            redis_cpu = self._gauge.cpu_seconds()
            walk_all(worker, self._redis, MODEL)
            redis_us = 1e6 * (self._gauge.cpu_seconds() - redis_cpu) / job.images
            cpu_us = 1e6 * (time.process_time() - cpu) / job.images
            seconds = time.perf_counter() - began
        status = self._ledger.status(job.job)
        if status.embedded != job.images:
            raise RuntimeError(f"{status.embedded} of {job.images} pictures were embedded")
        left = (self._gauge.bytes_used() - used) / job.items
        return Walked(cpu_us, redis_us, job.images / seconds, left)

    def _forget(self, job: str, model: str) -> None:
        """Remove every trace of a job: its chunks, messages and counts."""
        if self._ledger.status(job).pending:
            self._ledger.cancel(job)
        self._redis.unlink(*job_keys(job), f"{BROKER_PREFIX}{ingest_queue(model)}")


def measure(sizes: Sequence[int], rounds: int) -> dict[int, list[Turn]]:
    """Run every size in interleaved rounds."""
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as name:
        redis = PrivateRedis(Path(name) / "redis")
        redis.start()
        try:
            bench = Bench(Path(name), redis.url, rounds)
            bench.turn(WARM_UP_ITEMS)  # lets Redis load the scripts
            runs = {str(items): partial(bench.turn, items) for items in sizes}
            turns = interleaved(runs, rounds, warm_ups=0)
            bench.close()
        finally:
            redis.stop()
    return {int(items): found for items, found in turns.items()}


def reported(turns: dict[int, list[Turn]]) -> Report:
    """Summarize the runs: figures of each size, their growth, and the goals."""
    report = Report("scale")
    medians: dict[str, list[float]] = {name: [] for name in FLAT}
    for items, found in turns.items():
        for name, series in _series(found).items():
            spread = report.spread(f"{name}_at_{items}", series)
            if name in medians:
                medians[name].append(spread.median)
    for name, found_medians in medians.items():
        report.figure(f"{name}_growth", max(found_medians) / min(found_medians))
        report.goal(f"{name}_growth", "<=", 1.1)
    largest = max(turns)
    report.goal(f"rows_per_s_at_{largest}", ">=", 20_000)
    report.goal(f"pending_bytes_at_{largest}", "<=", 300)
    report.goal(f"finished_bytes_at_{largest}", "<=", 1)
    return report


def _series(turns: Sequence[Turn]) -> dict[str, list[float]]:
    walks = [turn.walked for turn in turns if turn.walked is not None]
    return {
        "rows_per_s": [turn.rows_per_s for turn in turns],
        "submit_cpu_us": [turn.submit_cpu_us for turn in turns],
        "submit_redis_us": [turn.submit_redis_us for turn in turns],
        "submit_peak_rss_mb": [turn.submitted.peak_rss_mb for turn in turns],
        "pending_bytes": [turn.pending_bytes for turn in turns],
        "walk_items_per_s": [walk.items_per_s for walk in walks],
        "walk_cpu_us": [walk.cpu_us for walk in walks],
        "walk_redis_us": [walk.redis_us for walk in walks],
        "finished_bytes": [walk.finished_bytes for walk in walks],
    }


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--items", default=ITEMS, help="sizes of the jobs, with commas between")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    sizes = [int(size) for size in (QUICK_ITEMS if given.quick else given.items).split(",")]
    turns = measure(sizes, 1 if given.quick else given.rounds)
    reported(turns).show(as_json=given.json)


if __name__ == "__main__":
    main()
