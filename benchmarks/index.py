"""The effect of deferring HNSW on a bulk load: `python -m benchmarks.index [--points N] [--repeats N] [--quick] [--json]`.

Qdrant's engine (embedded in this process) receives the same points in batches of 64 in three ways, interleaved:
without any graph (`load`); optimised whenever its growing segment reaches the engine's indexing threshold, as a server
does by default (`along`); and optimised once, after the last point (`deferred`). CPU is that of the whole process,
including the engine's threads. A server runs the same optimisers on more segments and threads. `recall` compares the
graph with exact search.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import qdrant_edge as q

from benchmarks.interleave import interleaved, ratios
from benchmarks.report import Report, parser
from benchmarks.store import DIMENSION, QUERIES, TOP, batches, p50_ms, unit
from vitrine.store.embedded.generation import ENGINE_THRESHOLD, FLOAT_BYTES

REPEATS = 5
POINTS = 20_000
QUICK_POINTS = 4_000
STEP = ENGINE_THRESHOLD * 1024 // (DIMENSION * FLOAT_BYTES) + 64
"""Points after which the segment exceeds the threshold, at the next whole batch."""


@dataclass(frozen=True, slots=True)
class Run:
    """Results of one complete load."""

    cpu_ms: float  #: CPU of the process per point, from the first upsert to the last graph.
    loaded_s: float  #: Until the last upsert returned.
    done_s: float  #: Until the last graph was built.
    recall: float  #: Share of the exact ten nearest that a query finds.
    query_ms: float  #: Median query time afterwards.
    segments: int  #: Segments that each query searches.


def main() -> int:
    """Measure and print."""
    given = _options()
    points = min(given.points, QUICK_POINTS) if given.quick else given.points
    loads = list(_loads(points))
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        path = Path(folder) / "shard"

        def run(step: int | None, *, last: bool) -> Callable[[], Run]:
            return lambda: _run(path, loads, step, last=last)

        runs = interleaved(
            {
                "load": run(None, last=False),
                "along": run(STEP, last=True),
                "deferred": run(None, last=True),
            },
            1 if given.quick else given.repeats,
            warm_ups=0,  # a run takes many seconds, so that a cold start does not matter
        )
    _report(points, runs).show(as_json=given.json)
    return 0


def _options() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--points", type=int, default=POINTS)
    options.add_argument("--repeats", type=int, default=REPEATS)
    return options.parse_args()


def _report(points: int, runs: dict[str, list[Run]]) -> Report:
    report = Report("index")
    report.figure("points", points)
    series = {
        name: {"cpu_ms_per_point": [run.cpu_ms for run in found],
               "loaded_s": [run.loaded_s for run in found],
               "done_s": [run.done_s for run in found],
               "query_ms": [run.query_ms for run in found],
               "recall": [run.recall for run in found],
               "segments": [float(run.segments) for run in found]}
        for name, found in runs.items()
    }  # fmt: skip
    for name, measured in series.items():
        for unit_name, values in measured.items():
            report.spread(f"{name}_{unit_name}", values)
    along, deferred = series["along"], series["deferred"]
    for unit_name in ("cpu_ms_per_point", "loaded_s", "done_s", "query_ms"):
        found = ratios(along[unit_name], deferred[unit_name])
        report.spread(f"along_vs_deferred_{unit_name}", found)
    return report


def _loads(points: int) -> Iterator[list[q.Point]]:
    """Yield the points in batches, created in advance so that only the engine is measured."""
    for batch in batches(points):
        rows = range(len(batch.ids))
        yield [q.Point(batch.ids[row], batch.vectors[row], batch.payload(row)) for row in rows]


def _run(path: Path, loads: list[list[q.Point]], step: int | None, *, last: bool) -> Run:
    """Load into a new shard, optimising every `step` points, and at the end if `last`."""
    shutil.rmtree(path, ignore_errors=True)
    vectors = q.EdgeVectorParams(size=DIMENSION, distance=q.Distance.Cosine)
    shard = q.EdgeShard.create(str(path), q.EdgeConfig(vectors=vectors))
    cpu, began = time.process_time(), time.perf_counter()
    _load(shard, loads, step)
    loaded = time.perf_counter() - began
    if last:
        shard.optimize()
    done, cpu = time.perf_counter() - began, time.process_time() - cpu
    count = sum(len(load) for load in loads)
    segments = shard.info().segments_count
    query_ms = p50_ms(lambda vector: _nearest(shard, vector, exact=False))
    found = Run(1000 * cpu / count, loaded, done, _recall(shard), query_ms, segments)
    shard.close()
    return found


def _load(shard: q.EdgeShard, loads: list[list[q.Point]], step: int | None) -> None:
    since = 0
    for load in loads:
        shard.update(q.UpdateOperation.upsert_points(load))
        since += len(load)
        if step is not None and since >= step:
            shard.optimize()
            since = 0


def _recall(shard: q.EdgeShard) -> float:
    found = [
        len(_nearest(shard, vector, exact=False) & _nearest(shard, vector, exact=True))
        for vector in unit(QUERIES, seed=10**9)
    ]
    return sum(found) / (TOP * QUERIES)


def _nearest(shard: q.EdgeShard, vector: np.ndarray, *, exact: bool) -> set[object]:
    query = q.Query.Nearest(np.ascontiguousarray(vector))  # type: ignore[arg-type]  # also accepts an array
    params = q.SearchParams(exact=exact)
    request = q.QueryRequest(limit=TOP, query=query, params=params)
    return {point.id for point in shard.query_batch(q.QueryBatchRequest([request]))[0]}


if __name__ == "__main__":
    sys.exit(main())
