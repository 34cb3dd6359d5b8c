"""CPU profile of a worker at full load: py-spy's samples, summed by stage and by function.

::

    python -m benchmarks.profile [--pictures 3000] [--checkout ../another] [--json]

The load is the `pipeline` benchmark's: 100 KB pictures over HTTP with 30 ms of latency, real Redis and store, a
simulated device. `--checkout` profiles the worker of another checkout of this project under the same load, for a
table of before and after. It uses that checkout's code for everything measured, and submits with its command.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from benchmarks.parts.pictures import jpegs
from benchmarks.parts.process import Process, running
from benchmarks.parts.samples import by_function, by_stage, read_samples
from benchmarks.parts.surroundings import CHECKOUT, Surroundings, surroundings

MODEL = "timed-64-in-100ms-base-30ms"
WARM_UP_PICTURES = 640
SAMPLES_PER_S = 200
FUNCTIONS = 14


def measure(pictures: int, checkout: Path) -> dict[str, Any]:
    """Profile one checkout's worker over one job."""
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as folder,
        surroundings(Path(folder), jpegs(64)[0], checkout=checkout) as around,
        _worker(around) as process,
    ):
        _job(around, WARM_UP_PICTURES)
        spent, began = process.cpu_seconds(), time.perf_counter()
        with _spying(process.pid, around.folder / "samples.txt") as file:
            _job(around, pictures)
            seconds = time.perf_counter() - began
            spent = process.cpu_seconds() - spent
        samples = read_samples(file)
    cpu_ms = 1000 * spent / pictures
    return {
        "model": MODEL,
        "pictures": pictures,
        "seconds": round(seconds, 1),
        "cpu_ms_per_picture": round(cpu_ms, 2),
        "stages": {name: round(share * cpu_ms, 3) for name, share in by_stage(samples)},
        "functions": {
            name: round(share * cpu_ms, 3) for name, share in by_function(samples)[:FUNCTIONS]
        },
        "machine": machine(),
    }


@contextmanager
def _worker(around: Surroundings) -> Iterator[Process]:
    observed = around.folder / "observed.json"
    command = [sys.executable, "-P", "-m", "benchmarks.parts.workers.observed", str(observed)]
    with running(
        [*command, "--model", MODEL, "--device", "cpu"],
        environment=around.environment(),
        log=around.folder / "worker.log",
    ) as process:
        process.wait_for(observed.exists)
        yield process


def _job(around: Surroundings, pictures: int) -> None:
    """Submit a catalog as a user does, and wait until every picture is in the store."""
    catalog = around.folder / f"catalog-{pictures}.csv"
    with catalog.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image"])
        rows.writerows([f"item-{number}", around.picture(number)] for number in range(pictures))
    command = [sys.executable, "-P", "-m", "vitrine", "submit", str(catalog), "--model", MODEL]
    with running(
        [*command, "--collection", catalog.stem, "--wait", "--json"],
        environment=around.environment(),
        log=around.folder / "submit.log",
    ) as process:
        process.wait_for_end()


@contextmanager
def _spying(pid: int, file: Path) -> Iterator[Path]:
    """Sample the process's running threads, with their names, until the block ends."""
    command = ["py-spy", "record", "--pid", str(pid), "--rate", str(SAMPLES_PER_S), "--threads"]
    executable = Path(sys.executable).with_name("py-spy")
    command[0] = str(executable) if executable.exists() else command[0]
    spy = subprocess.Popen(
        [*command, "--format", "raw", "--output", str(file), "--nonblocking"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield file
    finally:
        # An interrupt ends the recording, and py-spy writes what it has.
        with contextlib.suppress(ProcessLookupError):
            spy.send_signal(2)
        spy.wait()


def show(found: dict[str, Any]) -> None:
    """Print two tables for a person."""
    console = Console()
    head = f"{found['pictures']} pictures in {found['seconds']} s, {found['cpu_ms_per_picture']} ms of CPU each"
    console.print(head)
    for title in ("stages", "functions"):
        table = Table(title[:-1], "CPU ms a picture", box=None)
        for name, value in found[title].items():
            table.add_row(name, f"{value:.3f}")
        console.print(table)


def main() -> None:
    """Profile and print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--pictures", type=int, default=3000)
    options.add_argument("--checkout", type=Path, default=CHECKOUT)
    options.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = options.parse_args()
    found = measure(given.pictures, given.checkout.resolve())
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
