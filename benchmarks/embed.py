"""Pictures per second of `/v1/embed`: one at a time, from sixty concurrent clients, and in batches.

::

    python -m benchmarks.embed [--rounds 3] [--json]

API, Redis, worker and client are real, on this machine, in separate processes. A picture is a JPEG of 100 KB in
base64. The request patterns are interleaved for `--rounds` rounds, and figures are medians with their bounds.

Two models: `timed` simulates a large model that two cores can outrun (64 pictures in one second, of which 100 ms
pass however few there are), and `builtin` runs on the same cores as everything else. `_sixty_batch` is the mean
number of pictures per device batch while sixty clients requested one each: those that arrived while the device was
busy. If the cores deliver less than the device takes, batches are small, and waiting to fill them would only cost
time.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.parts.pictures import jpegs
from benchmarks.parts.process import running
from benchmarks.parts.surroundings import Surroundings, surroundings
from benchmarks.parts.workers.asked import AskedWorker, LaneCount, asked_worker
from benchmarks.report import Report, parser

MODELS = {"timed": "timed-64-in-1000ms-base-100ms", "builtin": "builtin"}
PICTURES = 64
CLIENTS, EACH = (
    60,
    8,
)  #: Concurrent clients, and pictures that each requests, one at a time.
ALONE = 40  #: Pictures requested by a single client, one at a time.
BATCHES = 4  #: Requests with 64 pictures each.
SETTLE_SECONDS = 0.8
"""Time for the worker to write down the batches of the latest queries, which it does every half second."""
PATIENCE = 120.0


@dataclass
class Client:
    """Requests embeddings, each time of different pictures."""

    url: str
    pictures: Sequence[str]  #: In base64.

    def once(self, session: requests.Session, first: int, count: int) -> None:
        """Send one request with `count` pictures. Raises `RuntimeError` if one of them gets no vector."""
        inputs = [
            {"image_base64": self.pictures[(first + n) % len(self.pictures)]} for n in range(count)
        ]
        # Equal pictures within a request are embedded once; with enough pictures, none are equal.
        body = {"inputs": inputs, "encoding": "base64"}
        answer = session.post(f"{self.url}/v1/embed", json=body, timeout=PATIENCE)
        if answer.status_code != 200 or answer.json()["failed"]:
            raise RuntimeError(f"the API answered {answer.status_code}: {answer.text[:200]}")

    def alone(self) -> int:
        """Request pictures from one client, one after another."""
        with requests.Session() as session:
            for number in range(ALONE):
                self.once(session, number, 1)
        return ALONE

    def sixty(self) -> int:
        """Request pictures from sixty clients concurrently."""
        together = threading.Barrier(CLIENTS)

        def client(number: int) -> None:
            with requests.Session() as session:
                together.wait()
                for turn in range(EACH):
                    self.once(session, number + turn, 1)

        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(client, range(CLIENTS)))
        return CLIENTS * EACH

    def batches(self) -> int:
        """Request pictures from one client, 64 per request."""
        with requests.Session() as session:
            for _ in range(BATCHES):
                self.once(session, 0, PICTURES)
        return BATCHES * PICTURES


@contextmanager
def api(around: Surroundings, model: str) -> Iterator[str]:
    """Run `vitrine api` in a separate process for the duration of the block, and yield its URL."""
    told = around.folder / f"api-{model}.url"
    command = [sys.executable, "-P", "-m", "vitrine", "api"]
    command += ["--port", "0", "--port-file", str(told)]
    environment = {**around.environment(), "VITRINE_MODEL": model, "VITRINE_QUERY_TIMEOUT": "60"}
    with running(command, environment=environment, log=told.with_suffix(".log")) as process:
        process.wait_for(told.exists)
        yield told.read_text().strip()


def measure(
    report: Report, name: str, worker: AskedWorker, client: Client, rounds: int
) -> LaneCount:
    """Measure every request pattern, interleaved. Returns the batches of the sixty clients."""
    ways: dict[str, Callable[[], int]] = {
        "single": client.alone,
        "sixty": client.sixty,
        "batch_of_64": client.batches,
    }
    rates: dict[str, list[float]] = defaultdict(list)
    shared = LaneCount()
    for turn in range(
        rounds + 1
    ):  # the first round opens connections and warms memory, and is not counted
        for way, ask in ways.items():
            before = worker.lane("query")
            began = time.perf_counter()
            pictures = ask()
            taken = time.perf_counter() - began
            time.sleep(SETTLE_SECONDS)
            if turn:
                rates[way].append(pictures / taken)
                shared += worker.lane("query") - before if way == "sixty" else LaneCount()
    for way, series in rates.items():
        report.spread(f"{name}_{way}_per_s", series)
    return shared


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="turns of each way")
    given = options.parse_args()
    pictures, source = jpegs(PICTURES)
    encoded = [base64.b64encode(picture).decode() for picture in pictures]
    report = Report("embed")
    report.notes["pictures"] = source
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder,
        surroundings(Path(folder), pictures[:1]) as around,
    ):
        for name, model in MODELS.items():
            with (
                asked_worker(around, model, BATCH_SIZE=str(PICTURES)) as worker,
                api(around, model) as url,
            ):
                rounds = 1 if given.quick else given.rounds
                shared = measure(report, name, worker, Client(url, encoded), rounds)
                report.figure(f"{name}_sixty_batch", shared.mean)
    report.goal("timed_sixty_batch", ">=", 16)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
