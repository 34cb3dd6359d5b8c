"""Fetching with vitrine's fetcher against `requests.Session` in 16 threads: pictures per second and CPU per picture.

`python -m benchmarks.fetch [--pictures N] [--repeats N] [--json]`. A server in a separate process sends 100 KB
bodies over keep-alive HTTP on loopback. Runs of the two clients are interleaved, so that other load on the
machine affects both; each client's first run is a warm-up and not counted. CPU is that of the client's
whole process (`time.process_time`), including kernel time.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import socketserver
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pycurl
import requests
from requests.adapters import HTTPAdapter

from benchmarks.interleave import interleaved, ratios
from benchmarks.report import Report, parser
from vitrine.net.allow_list import AllowList
from workers.fetch import Fetcher, FetchPolicy

BODY_BYTES = 100 * 1024
THREADS = 16
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: benchmark\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
    b'Content-Type: image/jpeg\r\nETag: "5f3c"\r\nCache-Control: max-age=3600\r\n'
    b"Content-Length: %d\r\n\r\n" % BODY_BYTES
) + bytes(BODY_BYTES)


@dataclass(frozen=True)
class Turn:
    """Results of one client's run."""

    pictures_per_s: float
    cpu_ms: float


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        waiting = b""
        while piece := self.request.recv(65536):
            waiting += piece
            while b"\r\n\r\n" in waiting:
                _, _, waiting = waiting.partition(b"\r\n\r\n")
                self.request.sendall(ANSWER)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(port: multiprocessing.connection.Connection) -> None:
    """Send the port, then serve until the process is ended."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        port.send(server.server_address[1])
        server.serve_forever()


def timed(run: Callable[[], int], pictures: int) -> Turn:
    """Measure one run, which returns the number of bytes that it received."""
    wall, cpu = time.perf_counter(), time.process_time()
    received = run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if received != pictures * BODY_BYTES:
        message = f"{received} bytes came, {pictures * BODY_BYTES} were asked for"
        raise RuntimeError(message)
    return Turn(pictures / wall, 1000 * cpu / pictures)


def fetcher_run(fetcher: Fetcher, urls: list[str]) -> int:
    """Fetch every URL with the fetcher. The run ends when the last future does."""
    return sum(len(future.result().data) for future in [fetcher.fetch(url) for url in urls])


def requests_run(session: requests.Session, pool: ThreadPoolExecutor, urls: list[str]) -> int:
    """Fetch every URL with the session from the pool's threads."""
    return sum(pool.map(lambda url: len(session.get(url, timeout=10).content), urls))


def compare(port: int, pictures: int, repeats: int) -> dict[str, list[Turn]]:
    """Run both clients in interleaved rounds, `repeats` of which count."""
    urls = [f"http://127.0.0.1:{port}/{number}.jpg" for number in range(pictures)]
    policy = FetchPolicy(timeout=60, allow=AllowList.parse([f"127.0.0.1:{port}"]))
    with (
        Fetcher(policy) as fetcher,
        requests.Session() as session,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        session.trust_env = False
        session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        runs = {
            "vitrine": lambda: timed(lambda: fetcher_run(fetcher, urls), pictures),
            "requests": lambda: timed(lambda: requests_run(session, pool, urls), pictures),
        }
        return interleaved(runs, repeats)


def reported(turns: dict[str, list[Turn]]) -> Report:
    """Report rates and CPU of both clients, and vitrine's advantage as ratios."""
    report = Report("fetch")
    report.note("curl", pycurl.version)
    rates = {name: [turn.pictures_per_s for turn in series] for name, series in turns.items()}
    costs = {name: [turn.cpu_ms for turn in series] for name, series in turns.items()}
    for name in turns:
        report.spread(f"{name}_pictures_per_s", rates[name])
        report.spread(f"{name}_cpu_ms_per_picture", costs[name])
    report.spread("rate_vs_requests", ratios(rates["vitrine"], rates["requests"]))
    report.spread("cpu_vs_requests", ratios(costs["requests"], costs["vitrine"]))
    return report


def main() -> None:
    """Run the comparison and print it."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=2000, help="pictures a turn")
    options.add_argument("--repeats", type=int, default=7, help="counted turns of each client")
    given = options.parse_args()
    if given.quick:
        given.pictures, given.repeats = 100, 1
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        turns = compare(here.recv(), given.pictures, given.repeats)
    finally:
        server.terminate()
        server.join()
    reported(turns).show(as_json=given.json)


if __name__ == "__main__":
    main()
