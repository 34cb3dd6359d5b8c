"""Fetching: this project's fetcher against `requests.Session` in 16 threads, pictures a second and CPU a picture.

`python -m benchmarks.fetch [--pictures N] [--repeats N] [--json]`. A server in a process of its own
hands out 100 KB bodies over keep-alive HTTP on loopback; the two clients take turns, so that whatever else the
machine does meets both; the first turn of each warms up and is not counted. CPU is that of the client's
whole process (`time.process_time`), kernel time included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import platform
import socketserver
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import pycurl
import requests
from requests.adapters import HTTPAdapter

from workers.fetch import Fetcher, FetchPolicy
from workers.fetch.allow import AllowList

BODY_BYTES = 100 * 1024
THREADS = 16
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: benchmark\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
    b'Content-Type: image/jpeg\r\nETag: "5f3c"\r\nCache-Control: max-age=3600\r\n'
    b"Content-Length: %d\r\n\r\n" % BODY_BYTES
) + bytes(BODY_BYTES)


@dataclass(frozen=True)
class Turn:
    """One client's turn."""

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
    """Serve until the process is ended, after sending the port."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        port.send(server.server_address[1])
        server.serve_forever()


def timed(run: Callable[[], int], pictures: int) -> Turn:
    """Measure one run, which returns the bytes that it got."""
    wall, cpu = time.perf_counter(), time.process_time()
    received = run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if received != pictures * BODY_BYTES:
        message = f"{received} bytes came, {pictures * BODY_BYTES} were asked for"
        raise RuntimeError(message)
    return Turn(pictures / wall, 1000 * cpu / pictures)


def fetcher_run(fetcher: Fetcher, urls: list[str]) -> int:
    """Fetch every URL with the fetcher; a turn ends when the last future does."""
    return sum(len(future.result().data) for future in [fetcher.fetch(url) for url in urls])


def requests_run(session: requests.Session, pool: ThreadPoolExecutor, urls: list[str]) -> int:
    """Fetch every URL with the session, from the pool's threads."""
    return sum(pool.map(lambda url: len(session.get(url, timeout=10).content), urls))


def compare(port: int, pictures: int, repeats: int) -> dict[str, list[Turn]]:
    """Let both clients take turns, `repeats` counted ones each."""
    urls = [f"http://127.0.0.1:{port}/{number}.jpg" for number in range(pictures)]
    policy = FetchPolicy(timeout=60, allow=AllowList.parse([f"127.0.0.1:{port}"]))
    turns: dict[str, list[Turn]] = {"vitrine": [], "requests": []}
    with (
        Fetcher(policy) as fetcher,
        requests.Session() as session,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        session.trust_env = False
        session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        for _ in range(repeats + 1):
            turns["vitrine"].append(timed(lambda: fetcher_run(fetcher, urls), pictures))
            turns["requests"].append(timed(lambda: requests_run(session, pool, urls), pictures))
    return {name: series[1:] for name, series in turns.items()}


def summary(series: list[Turn]) -> dict[str, float]:
    """Medians, and the spread of the rate."""
    rates = [turn.pictures_per_s for turn in series]
    return {
        "pictures_per_s": round(statistics.median(rates)),
        "slowest": round(min(rates)),
        "fastest": round(max(rates)),
        "cpu_ms_a_picture": round(statistics.median(turn.cpu_ms for turn in series), 3),
    }


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=2000, help="pictures a turn")
    parser.add_argument("--repeats", type=int, default=7, help="counted turns of each client")
    parser.add_argument("--json", action="store_true", help="one JSON object, every turn in it")
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        turns = compare(here.recv(), given.pictures, given.repeats)
    finally:
        server.terminate()
        server.join()
    clients = {name: summary(series) for name, series in turns.items()}
    if given.json:
        raw = {name: [asdict(turn) for turn in series] for name, series in turns.items()}
        machine = {"python": platform.python_version(), "curl": pycurl.version}
        print(json.dumps({"clients": clients, "turns": raw, "machine": machine}))
        return
    print(f"{'client':<10}{'pictures/s':>12}{'slowest':>10}{'fastest':>10}{'CPU ms':>9}")
    for name, row in clients.items():
        print(f"{name:<10}" + "{:>12}{:>10}{:>10}{:>9}".format(*row.values()))


if __name__ == "__main__":
    main()
