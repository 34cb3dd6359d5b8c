"""CPU cost of writing a vector, for the writer: `python -m benchmarks.upsert [--turns 30] [--json]`.

Chunks of 64 points of 768 dimensions with catalog fields and provenance. Measures the CPU of this process
(`process_time`) per vector, with the methods of each kind interleaved, the store's own method first:

- `server`, a Qdrant server over REST: the store's upsert, which writes JSON from arrays, against the client's
  with a list of Python floats per point. The server is a stand-in in another process that responds immediately. On
  loopback the client opens a connection for every request, about 15 us per vector with either method.
- `engine`, the embedded engine: points created from rows as memoryviews, from the rows as arrays, and from
  lists. What the engine then does with points is the same for all, and excluded; so are payloads.
- `frame`, for the store's own process: vectors as raw memory, against JSON of lists.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import orjson
import qdrant_edge
import requests
from qdrant_client import QdrantClient, models

from benchmarks.interleave import interleaved, ratios
from benchmarks.report import Report, parser
from benchmarks.store import NAME, SPACE, batches
from vitrine.core.types import CHUNK_SIZE
from vitrine.store import PointBatch
from vitrine.store.qdrant.store import QdrantServerStore
from vitrine.store.remote.protocol import batch_header, encode_frame
from vitrine.testing.qdrant_http import qdrant_http

TURNS, QUICK_TURNS = 30, 3
UPSERTS = 10
"""Upserts per run: with fewer, the resolution of the clock shows."""
WRITTEN = b'{"result":{"operation_id":1,"status":"completed"},"status":"ok","time":0.0}'

Ways = dict[str, Callable[[], object]]


def cpu_us(action: Callable[[], object]) -> float:
    """Return microseconds of CPU per vector."""
    began = time.process_time()
    for _ in range(UPSERTS):
        action()
    return 1e6 * (time.process_time() - began) / (UPSERTS * CHUNK_SIZE)


def compare(report: Report, kind: str, ways: Ways, turns: int) -> None:
    """Report each method's cost, and how many times as much as the first the others take."""
    runs = {way: partial(cpu_us, action) for way, action in ways.items()}
    series = interleaved(runs, turns)
    for way, costs in series.items():
        report.spread(f"{kind}_{way}_us_per_vector", costs)
    own, *others = series
    for other in others:
        report.spread(f"{kind}_vs_{other}", ratios(series[other], series[own]))


def server_ways(store: QdrantServerStore, client: QdrantClient, batch: PointBatch) -> Ways:
    """Return the store's upsert, and the client's."""

    def lists() -> None:
        structs = [
            models.PointStruct(id=key, vector=vector.tolist(), payload=batch.payload(row))
            for row, (key, vector) in enumerate(zip(batch.ids, batch.vectors, strict=True))
        ]
        client.upsert(NAME, structs, wait=True)

    return {"arrays": lambda: store.upsert(NAME, batch), "lists": lists}


def engine_ways(batch: PointBatch) -> Ways:
    """Return three ways of passing rows to the engine."""

    def points(rows: Iterable[Any]) -> object:
        return [qdrant_edge.Point(key, row) for key, row in zip(batch.ids, rows, strict=True)]

    return {
        "memoryviews": lambda: points(map(memoryview, batch.vectors)),
        "arrays": lambda: points(batch.vectors),
        "lists": lambda: points(batch.vectors.tolist()),
    }


def frame_ways(batch: PointBatch) -> Ways:
    """Return the encoding that the store's client sends, and the same as JSON."""
    return {
        "frames": lambda: encode_frame(batch_header(batch), batch.vectors),
        "lists": lambda: orjson.dumps(batch_header(batch) | {"vectors": batch.vectors.tolist()}),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    described = b""  #: The response to every GET.


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(self.server.described)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(WRITTEN)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing."""


def _serve(port: Connection, described: bytes) -> None:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.described = described
        port.send(server.server_address[1])
        server.serve_forever()


@contextlib.contextmanager
def answering() -> Iterator[str]:
    """Run a server that has the benchmark's collection and accepts every write, and yield its URL."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, _described()), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def _described() -> bytes:
    """Return a server's description of the benchmark's collection."""
    with qdrant_http() as server:
        with contextlib.closing(QdrantServerStore(server.url)) as store:
            store.ensure(NAME, SPACE)
        return requests.get(f"{server.url}/collections/{NAME}", timeout=30).content


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--turns", type=int, default=TURNS, help="counted turns of each way")
    given = options.parse_args()
    turns = QUICK_TURNS if given.quick else given.turns
    [batch] = batches(CHUNK_SIZE)
    report = Report("upsert")
    with answering() as url, contextlib.closing(QdrantServerStore(url)) as store:
        client = QdrantClient(url=url, check_compatibility=False)
        compare(report, "server", server_ways(store, client, batch), turns)
        client.close()
    compare(report, "engine", engine_ways(batch), turns)
    compare(report, "frame", frame_ways(batch), turns)
    report.goal("server_vs_lists", ">=", 2)
    report.goal("engine_vs_arrays", ">=", 2)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
