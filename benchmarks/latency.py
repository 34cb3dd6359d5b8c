"""Latency of a query with 1 to 64 concurrent clients, while the worker is idle and while it is full of bulk work.

::

    python -m benchmarks.latency [--seconds 3] [--rounds 2] [--json]

Clients are threads with `vitrine.query.client.QueryClient`, as the API uses it: one picture of 100 KB in, one vector
out, over a real Redis to a real worker process, each client sending its next query after the answer. HTTP is not
included. Bulk work is an endless job: fetched over loopback, decoded, embedded, stored; its pictures are small, so
that even two cores keep the device full. Idle and load are interleaved for `--rounds` rounds; percentiles are over the
queries of all rounds.

Two models: `timed` takes 200 ms for 64 pictures, which simulates a GPU's share of the time; `builtin` runs on the
same cores as everything else. `_batch` is the mean number of queries per device batch, `_bulk_pictures` the mean size
of a bulk batch: if it is far below 64, the cores were the limit and not the device. `timed_bulk_N_vs_allowed` is the
p95 of N clients under load divided by the allowed time: one bulk batch of the observed size plus their own p95
without load.
"""

from __future__ import annotations

import io
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from benchmarks.parts.pictures import as_jpeg, jpegs
from benchmarks.parts.surroundings import Surroundings, surroundings
from benchmarks.parts.workers.asked import AskedWorker, LaneCount, asked_worker
from benchmarks.report import Report, parser
from vitrine.core.load_settings import load
from vitrine.query.client import Query, QueryClient

ASKERS = (1, 4, 16, 64)
BATCH, BATCH_MS = 64, 200
MODELS = {"timed": f"timed-{BATCH}-in-{BATCH_MS}ms", "builtin": "builtin"}
LOADS = ("idle", "bulk")
PICTURES = 16
BULK_SIDE = 256
"""Side of bulk pictures in pixels."""
FASTEST = 1000.0
"""Pictures per second that a worker may consume. A job is made long enough for this, and cancelled afterwards."""
SETTLE_SECONDS = 0.8
"""Time for the worker to write down the batches of the latest queries, which it does every half second."""
SLACK_SECONDS = 2.0
"""The last answers of a window arrive after its end."""
PATIENCE = 60.0


@dataclass
class Seen:
    """Results for one number of clients, over the rounds."""

    ms: list[float] = field(default_factory=list)  #: Time of each query.
    query: LaneCount = field(default_factory=LaneCount)
    bulk: LaneCount = field(default_factory=LaneCount)

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share of the queries was answered."""
        ranked = sorted(self.ms)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


Results = dict[tuple[str, int], Seen]
"""By load and number of clients."""


@dataclass(frozen=True)
class Plan:
    """How much to query."""

    askers: tuple[int, ...]
    rounds: int
    seconds: float  #: Length of each window.

    @property
    def bulk_pictures(self) -> int:
        """Pictures of a job that outlasts the windows of one round."""
        windows = len(self.askers) * (self.seconds + SETTLE_SECONDS + SLACK_SECONDS)
        return round(windows * FASTEST)


class Asking:
    """Clients of one worker."""

    def __init__(self, worker: AskedWorker, lane: QueryClient, model: str, picture: bytes) -> None:
        self._worker = worker
        self._lane = lane
        self._model = model
        self._picture = picture

    def ask(self, askers: int, seconds: float) -> list[float]:
        """Run this many clients, each sending queries for `seconds`. Returns the milliseconds of every query."""
        until = time.perf_counter() + seconds
        together = threading.Barrier(askers)

        def asking(_: int) -> list[float]:
            together.wait()
            took = [self._once()]
            while time.perf_counter() < until:
                took.append(self._once())
            return took

        with ThreadPoolExecutor(askers) as threads:
            return [ms for took in threads.map(asking, range(askers)) for ms in took]

    def measure(self, seen: Seen, askers: int, seconds: float) -> None:
        """Record one window: the queries' times, and the batches that they formed."""
        query, bulk = self._worker.lane("query"), self._worker.lane("bulk")
        seen.ms += self.ask(askers, seconds)
        time.sleep(SETTLE_SECONDS)
        seen.query += self._worker.lane("query") - query
        seen.bulk += self._worker.lane("bulk") - bulk

    def _once(self) -> float:
        began = time.perf_counter()
        self._lane.embed(self._model, Query("image", self._picture))
        return 1000 * (time.perf_counter() - began)


def model_results(around: Surroundings, model: str, picture: bytes, plan: Plan) -> Results:
    """Measure every number of clients with one model's worker, with idle and load interleaved."""
    results: Results = defaultdict(Seen)
    settings = load(redis_url=around.redis_url, query_timeout=PATIENCE)
    with (
        asked_worker(around, model) as worker,
        closing(QueryClient.open(settings)) as lane,
    ):
        asking = Asking(worker, lane, model, picture)
        asking.ask(max(plan.askers), 0.0)  # opens connections and warms memory
        time.sleep(SETTLE_SECONDS)
        for turn in range(plan.rounds):
            for load_name in LOADS if turn % 2 == 0 else reversed(LOADS):
                bulk = worker.loaded(plan.bulk_pictures) if load_name == "bulk" else nullcontext()
                with bulk:
                    for askers in plan.askers:
                        asking.measure(results[load_name, askers], askers, plan.seconds)
    return results


def note(report: Report, name: str, results: Results) -> None:
    """Report one model's figures."""
    for (load_name, askers), seen in results.items():
        stem = f"{name}_{load_name}_{askers}"
        report.figure(f"{stem}_p50_ms", seen.percentile(0.50))
        report.figure(f"{stem}_p95_ms", seen.percentile(0.95))
        report.figure(f"{stem}_batch", seen.query.mean)
        if load_name == "bulk":
            report.figure(f"{stem}_bulk_pictures", seen.bulk.mean)


def judge(report: Report, results: Results, askers: tuple[int, ...]) -> None:
    """Check the timed model's goals: a query waits for at most one bulk batch, and clients share batches."""
    for number in askers:
        bulk = results["bulk", number]
        allowed = BATCH_MS / BATCH * bulk.bulk.mean + results["idle", number].percentile(0.95)
        report.figure(f"timed_bulk_{number}_vs_allowed", bulk.percentile(0.95) / allowed)
        report.goal(f"timed_bulk_{number}_vs_allowed", "<=", 1)
        if number > 4:
            report.goal(f"timed_bulk_{number}_batch", ">", 1)


def small(picture: bytes) -> bytes:
    """Return a small picture with the same content, for bulk work."""
    with Image.open(io.BytesIO(picture)) as image:
        return as_jpeg(image.resize((BULK_SIDE, BULK_SIDE)))


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=3.0, help="each window")
    options.add_argument("--rounds", type=int, default=2, help="windows of each kind")
    given = options.parse_args()
    plan = Plan((1, 8), 1, 1.0) if given.quick else Plan(ASKERS, given.rounds, given.seconds)
    pictures, _ = jpegs(4 if given.quick else PICTURES)
    report = Report("latency")
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder,
        surroundings(Path(folder), [small(picture) for picture in pictures]) as around,
    ):
        for name, model in MODELS.items():
            results = model_results(around, model, pictures[0], plan)
            note(report, name, results)
            if name == "timed":
                judge(report, results, plan.askers)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
