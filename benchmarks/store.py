"""The embedded stores compared: `python -m benchmarks.store [--points N] [--json]`.

Every engine gets the same points (random unit vectors, with a keyword and a number to filter by) in batches of
64, as workers write them, and then the same queries one by one, after fifty uncounted ones. `edge` is
measured after a load (every vector compared) and again after building its HNSW graph; `remote` is the same
store through its HTTP process.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from benchmarks.report import Report, parser
from vitrine.core.filters import parse_filter
from vitrine.core.types import CHUNK_SIZE, point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance, VectorStore
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.qdrant.filters import qdrant_filter
from vitrine.store.remote.server import StoreServer
from vitrine.store.remote.store import RemoteStore

DIMENSION = 768
LATENT = 32
QUERIES = 30
QUICK_POINTS = 500
WARM_UP = 50  #: A new graph is read from disk page by page at first.
TOP = 10
NAME = "bench"
SPACE = EmbeddingSpace("bench", "r", "p", DIMENSION)
PROVENANCE = Provenance("job", "bench", "r", "p", "00" * 32, None, "2026-01-01T00:00:00Z")
WHERE = parse_filter({"colour": "red", "price": {"lt": 50}})  # about one point in twelve
COLOURS = ("red", "blue", "green", "black", "white", "grey")

Row = dict[str, float]


def unit(rows: int, seed: int) -> NDArray[np.float32]:
    """Return unit vectors close to a plane of 32 dimensions, as embeddings are.

    Vectors without such structure are all equally far from each other, and no graph can be searched efficiently.
    """
    plane = np.random.default_rng(0).standard_normal((LATENT, DIMENSION), dtype=np.float32)
    random = np.random.default_rng(seed)
    raw = random.standard_normal((rows, LATENT), dtype=np.float32) @ plane
    raw += random.standard_normal(raw.shape, dtype=np.float32)
    normal: NDArray[np.float32] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return normal


def batches(points: int) -> Iterator[PointBatch]:
    """Yield the load, one chunk at a time, with two pictures per item."""
    for start in range(0, points, CHUNK_SIZE):
        rows = range(start, min(points, start + CHUNK_SIZE))
        items = [f"item-{row // 2}" for row in rows]
        yield PointBatch(
            ids=[point_id(NAME, item, row % 2) for item, row in zip(items, rows, strict=True)],
            vectors=unit(len(rows), seed=start),
            item_ids=items,
            indexes=[row % 2 for row in rows],
            urls=[f"https://shop.example/{row}.jpg" for row in rows],
            fields=[{"colour": COLOURS[row % 6], "price": float(row % 100)} for row in rows],
            provenance=[PROVENANCE] * len(rows),
        )


def timed(action: Callable[[], object]) -> float:
    """Return the seconds of wall time."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def p50_ms(query: Callable[[NDArray[np.float32]], object]) -> float:
    """Return the median milliseconds of a query."""
    vectors = unit(QUERIES + WARM_UP, seed=10**9)
    for vector in vectors[:WARM_UP]:
        query(vector)
    times = [timed(partial(query, vector)) for vector in vectors[WARM_UP:]]
    return 1000 * statistics.median(times)


def queries(store: VectorStore) -> Row:
    """Measure plain and filtered queries of a store."""
    return {
        "query_ms": p50_ms(lambda v: store.search(NAME, v, top=TOP)),
        "filtered_ms": p50_ms(lambda v: store.search(NAME, v, top=TOP, where=WHERE)),
    }


def load_us(points: int, upsert: Callable[[PointBatch], object]) -> float:
    """Return microseconds per point, excluding the creation of the points."""
    seconds = sum(timed(partial(upsert, batch)) for batch in batches(points))
    return 1e6 * seconds / points


def edge(points: int, path: Path) -> dict[str, Row]:
    """Measure the embedded engine: plain, through its process, and with its graph."""
    store = EmbeddedStore(path)
    store.ensure(NAME, SPACE)
    plain: Row = {"upsert_us": load_us(points, lambda batch: store.upsert(NAME, batch))}
    plain |= {"flush_ms": 1000 * timed(store.generations()[NAME].flush), **queries(store)}
    server = StoreServer(store, "127.0.0.1", 0, "only-for-measuring")
    server.start()
    remote = through_http(server.url, points)
    server.shutdown()
    plain["open_s"], store = reopened(path)
    built = {"build_s": timed(lambda: store.build_and_wait(NAME)), **queries(store)}
    built["recall_at_10"] = recall(store)
    store.close()
    built["open_s"], store = reopened(path)
    store.close()
    return {"edge": plain, "edge_hnsw": built, "edge_http": remote}


def reopened(path: Path) -> tuple[float, EmbeddedStore]:
    """Return the seconds to open a store, and the store."""
    started = time.perf_counter()
    store = EmbeddedStore(path)
    return time.perf_counter() - started, store


def through_http(url: str, points: int) -> Row:
    """Measure the same store as other processes see it. Upserts replace existing points."""
    client = RemoteStore(url, "only-for-measuring")
    rows = min(points, 5000)
    row: Row = {"upsert_us": load_us(rows, lambda batch: client.upsert(NAME, batch))}
    row |= queries(client)
    client.close()
    return row


def recall(store: VectorStore) -> float:
    """Return the share of the exact ten nearest items that the graph finds."""
    found = []
    for vector in unit(QUERIES, seed=10**9):
        exact = {g.item_id for g in store.search(NAME, vector, top=TOP, exact=True)}
        graph = {g.item_id for g in store.search(NAME, vector, top=TOP)}
        found.append(len(exact & graph) / TOP)
    return statistics.mean(found)


def local(points: int, path: Path) -> dict[str, Row]:
    """Measure qdrant-client's local mode, with the same points in its own form and its own grouping."""
    client = QdrantClient(path=str(path))
    vectors = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    client.create_collection(NAME, vectors)

    def upsert(batch: PointBatch) -> None:
        rows = range(len(batch.ids))
        structs = [
            models.PointStruct(
                id=batch.ids[row], vector=batch.vectors[row].tolist(), payload=batch.payload(row)
            )
            for row in rows
        ]
        client.upsert(NAME, structs)

    def query(vector: NDArray[np.float32], where: models.Filter | None = None) -> object:
        return client.query_points_groups(
            NAME, "item_id", query=vector.tolist(), query_filter=where, limit=TOP, group_size=1
        )

    where = qdrant_filter(WHERE)
    row: Row = {"upsert_us": load_us(points, upsert)}
    row |= {"query_ms": p50_ms(query), "filtered_ms": p50_ms(lambda v: query(v, where))}
    client.close()
    started = time.perf_counter()
    client = QdrantClient(path=str(path))
    row["open_s"] = time.perf_counter() - started
    client.close()
    return {"local_mode": row}


def reported(points: int, results: dict[str, Row]) -> Report:
    """Report every engine's figures, prefixed with its name."""
    report = Report("store")
    report.note(
        "load", f"{points} points of {DIMENSION} dimensions, p50 of {QUERIES} queries, top {TOP}"
    )
    for engine, row in results.items():
        for name, value in row.items():
            report.figure(f"{engine}_{name}", value)
    return report


def main() -> int:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--points", type=int, default=10_000)
    options.add_argument("--engine", choices=["edge", "local", "both"], default="both")
    given = options.parse_args()
    points = min(given.points, QUICK_POINTS) if given.quick else given.points
    warnings.simplefilter("ignore")  # local mode warns above 20,000 points
    results: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder:
        if given.engine != "local":
            results |= edge(points, Path(folder) / "edge")
        if given.engine != "edge":
            results |= local(points, Path(folder) / "local")
    reported(points, results).show(as_json=given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
