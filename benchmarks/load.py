"""Load of the whole service over HTTP: searches per second at a p95 that people do not notice, idle and during a job.

::

    python -m benchmarks.load [--points 100000] [--seconds 15] [--quick] [--json]

Locust (`infra/load/locustfile.py`) sends requests to a real API over loopback. Each step has a number of users, each
sending the next request after the response. Behind the API are a real worker with the built-in model, and the
embedded engine in a separate process with `--points` points and their index built. Bulk work is an endless job of
small pictures, into another collection. Everything, including Locust, shares this machine's cores.

`item` needs only the store; `picture` is first embedded by the worker, ahead of the bulk work. `_best_per_s` is the
highest rate of searches per second of any step whose p95 is below 100 ms. `picture_bulk_vs_idle_N` is the p95 of N
users during a job divided by that without.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.latency import small
from benchmarks.parts.drawn_points import drawn_points
from benchmarks.parts.fed_job import FedJob
from benchmarks.parts.pictures import jpegs
from benchmarks.parts.process import running
from benchmarks.parts.surroundings import CHECKOUT, Surroundings, surroundings
from benchmarks.report import Report, parser
from vitrine.messaging.worker_registry import live_workers
from vitrine.store.base import EmbeddingSpace

COLLECTION = "load"
USERS = (1, 4, 8, 16, 32)
WANTED_MS = 100.0
"""A p95 that people do not notice."""
WITHIN = 2.0
"""Largest accepted ratio of the interactive lane's p95 to that of an idle service."""
KINDS = ("item", "picture")
LOADS = ("idle", "bulk")
ITEMS = 2000
PICTURES = 8
ENDLESS = 100_000_000
FEED_EVERY = 0.5


@dataclass(frozen=True)
class Seen:
    """Results of one run of Locust."""

    per_s: float
    p50_ms: float
    p95_ms: float
    failures: int


@contextmanager
def service(around: Surroundings) -> Iterator[str]:
    """Run a worker and an API for the duration of the block, and yield the API's URL."""
    port_file = around.folder / "api.url"
    environment = {**around.environment(), "VITRINE_API_RATE": "1000000"}
    vitrine = [sys.executable, "-P", "-m", "vitrine"]
    with (
        running(
            [*vitrine, "worker"], environment=environment, log=around.folder / "w.log"
        ) as worker,
        running(
            [*vitrine, "api", "--port", "0", "--port-file", str(port_file)],
            environment=environment,
            log=around.folder / "api.log",
        ) as api,
    ):
        worker.wait_for(lambda: space_of(around) is not None)
        api.wait_for(port_file.exists)
        yield port_file.read_text().strip()


def space_of(around: Surroundings) -> EmbeddingSpace | None:
    """Return the space of the running worker, or None if it is not ready."""
    with Redis.from_url(around.redis_url) as redis:
        return next((worker.space for worker in live_workers(redis)), None)


def fill(around: Surroundings, points: int) -> None:
    """Insert this many points into the collection, and build their index."""
    space = space_of(around)
    assert space is not None  # noqa: S101 - the worker is ready by now
    with closing(around.store()) as store:
        store.ensure(COLLECTION, space)
        for batch in drawn_points(COLLECTION, points, space):
            store.upsert(COLLECTION, batch)
        store.build_index(COLLECTION)
        while not store.index_state(COLLECTION).green:
            time.sleep(1)


@contextmanager
def bulk(around: Surroundings) -> Iterator[None]:
    """Run an endless job for the duration of the block, entered once it makes progress."""
    with closing(FedJob(around, "builtin", around.picture)) as job:
        ended = threading.Event()

        def feed() -> None:
            while not ended.wait(FEED_EVERY):
                job.feed(ENDLESS)

        job.feed(ENDLESS)
        while not job.feed(ENDLESS).embedded:
            time.sleep(FEED_EVERY)
        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        try:
            yield
        finally:
            ended.set()
            feeder.join()


def locust(url: str, files: Path, kind: str, users: int, seconds: float) -> Seen:
    """Run this many users who send one kind of search for this many seconds."""
    command = [
        sys.executable, "-m", "locust", "-f", str(CHECKOUT / "infra/load/locustfile.py"),
        "--headless", "--json", "--only-summary", "--host", url, "--tags", kind,
        "--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds:g}s",
        "--pace", "0", "--collection", COLLECTION,
        "--items", str(files / "items.txt"), "--picture", str(files / "picture.jpg"),
        "--exit-code-on-error", "0",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=dict(os.environ), cwd=files
    )
    if done.returncode:
        raise RuntimeError(f"Locust failed:\n{done.stderr[-2000:]}")
    [row] = json.loads(done.stdout)
    return seen(row, seconds)


def seen(row: dict[str, Any], seconds: float) -> Seen:
    """Read one row of Locust's statistics, which count times by the millisecond."""
    times = sorted((float(ms), count) for ms, count in row["response_times"].items())
    return Seen(
        per_s=row["num_requests"] / seconds,
        p50_ms=within(times, 0.50),
        p95_ms=within(times, 0.95),
        failures=row["num_failures"],
    )


def within(times: list[tuple[float, int]], share: float) -> float:
    """Return the milliseconds within which this share of the responses arrived."""
    wanted = share * sum(count for _, count in times)
    for ms, count in times:
        wanted -= count
        if wanted <= 0:
            return ms
    return float("nan")


def note(report: Report, found: dict[tuple[str, str, int], Seen]) -> None:
    """Report every step, the best of each kind, and the goals."""
    for (kind, load, users), one in found.items():
        stem = f"{kind}_{load}_{users}"
        report.figure(f"{stem}_per_s", one.per_s)
        report.figure(f"{stem}_p50_ms", one.p50_ms)
        report.figure(f"{stem}_p95_ms", one.p95_ms)
        if one.failures:
            report.figure(f"{stem}_failures", one.failures)
    for kind in KINDS:
        for load in LOADS:
            fast = [one.per_s for (k, where, _), one in found.items()
                    if (k, where) == (kind, load) and one.p95_ms < WANTED_MS and not one.failures]  # fmt: skip
            report.figure(f"{kind}_{load}_best_per_s", max(fast, default=0.0))
    for users in sorted({users for kind, _, users in found if kind == "picture"}):
        idle, loaded = (found["picture", load, users].p95_ms for load in LOADS)
        report.figure(f"picture_bulk_vs_idle_{users}", loaded / idle)
        report.goal(f"picture_bulk_vs_idle_{users}", "<=", WITHIN)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--points", type=int, default=100_000, help="in the collection searched")
    options.add_argument("--seconds", type=float, default=15.0, help="each step")
    given = options.parse_args()
    points, seconds = given.points, given.seconds
    steps: tuple[int, ...] = USERS
    if given.quick:
        points, seconds, steps = 2000, 3.0, (1, 4)
    pictures, _ = jpegs(PICTURES)
    report = Report("load")
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-load-") as folder,
        surroundings(Path(folder), [small(picture) for picture in pictures]) as around,
        service(around) as url,
    ):
        files = Path(folder)
        (files / "picture.jpg").write_bytes(small(pictures[0]))
        ids = "\n".join(f"item-{n}" for n in range(min(ITEMS, points // 2)))
        (files / "items.txt").write_text(ids)
        fill(around, points)
        found: dict[tuple[str, str, int], Seen] = {}
        for load in LOADS:
            with bulk(around) if load == "bulk" else nullcontext():
                for kind in KINDS:
                    for users in steps:
                        found[kind, load, users] = locust(url, files, kind, users, seconds)
        note(report, found)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
