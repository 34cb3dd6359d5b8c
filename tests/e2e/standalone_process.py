"""A standalone service as a user starts it: the command in a separate process, used over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import requests
from redis import Redis

from tests.patience import PATIENCE, SETTINGS
from vitrine.core.service_discovery import discover, runtime_file
from vitrine.core.settings import Settings
from vitrine.messaging.worker_registry import live_workers
from vitrine.store.base import VectorStore
from vitrine.store.open import open_store


def environment(data_dir: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command, without the caller's settings and with generous timeouts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    return {**kept, **SETTINGS, "VITRINE_DATA_DIR": str(data_dir), **(extra or {})}


def vitrine(
    data_dir: Path, *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command against the service on a data directory."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "vitrine", *arguments],
        env=environment(data_dir),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition and return its value; on timeout, fail naming `what`."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return value


@dataclass
class House:
    """A running service."""

    data_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def running(self) -> dict[str, str]:
        """The service's addresses."""
        found: dict[str, str] = orjson.loads(runtime_file(self.data_dir).read_bytes())
        return found

    @property
    def api(self) -> str:
        """The address of its API."""
        return self.running["api_url"]

    @contextlib.contextmanager
    def store(self) -> Iterator[VectorStore]:
        """Open the service's store as its processes do."""
        store = open_store(discover(Settings(data_dir=self.data_dir)))
        try:
            yield store
        finally:
            store.close()

    def worker_pid(self) -> int | None:
        """Return the process id of the live worker, if any."""
        with Redis.from_url(self.running["redis_url"]) as redis:
            workers = live_workers(redis)
        alive = [worker.pid for worker in workers if is_alive(worker.pid)]
        return alive[0] if alive else None

    def get(self, path: str) -> Any:
        """Return the JSON of a successful API response."""
        response = requests.get(f"{self.api}{path}", timeout=PATIENCE)
        assert response.ok, response.text
        return response.json()

    def post(self, path: str, **body: Any) -> Any:
        """Post a JSON body and return the JSON of a successful API response."""
        response = requests.post(f"{self.api}{path}", json=body, timeout=PATIENCE)
        assert response.ok, response.text
        return response.json()

    def finished(self, job: str) -> dict[str, Any]:
        """Wait until the job is finished and return its status."""

        def done() -> dict[str, Any] | None:
            status: dict[str, Any] = self.get(f"/v1/jobs/{job}")
            return status if status["finished_at"] else None

        found: dict[str, Any] = until(done, f"job {job} to finish")
        return found

    def stop(self) -> int:
        """Send Ctrl-C and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    return any(process.pid == pid for process in processes())


@dataclass(frozen=True)
class Process:
    """A process as `ps` shows it."""

    pid: int
    parent: int
    command: str


def processes() -> list[Process]:
    """List every process that is not a zombie."""
    columns = ["ps", "axww", "-o", "pid=,ppid=,stat=,command="]
    shown = subprocess.run(columns, capture_output=True, text=True, check=True)
    rows = [line.split(None, 3) for line in shown.stdout.splitlines()]
    return [Process(int(row[0]), int(row[1]), row[3]) for row in rows if not row[2].startswith("Z")]


def family(pid: int) -> list[Process]:
    """List all descendants of a process."""
    everybody = processes()
    found = [process for process in everybody if process.parent == pid]
    for process in found:
        found += [child for child in everybody if child.parent == process.pid]
    return found


@contextlib.contextmanager
def standalone(
    data_dir: Path, *arguments: str, extra: Mapping[str, str] | None = None
) -> Iterator[House]:
    """Run `vitrine standalone` while the block runs; yield it once it is ready."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "standalone.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vitrine", "standalone", "--port", "0", *arguments],
            env=environment(data_dir, extra),
            stdout=log,
            stderr=log,
        )
    house = House(data_dir, process)
    try:
        until(lambda: process.poll() is not None or runtime_file(data_dir).exists(), "the service")
        assert process.poll() is None, (data_dir / "standalone.log").read_text()
        yield house
    finally:
        house.stop()


def submit_file(house: House, path: Path, collection: str, **form: str) -> str:
    """Upload a catalog file and return the job's id."""
    with path.open("rb") as file:
        response = requests.post(
            f"{house.api}/v1/jobs",
            data={"collection": collection, **form},
            files={"file": (path.name, file)},
            timeout=PATIENCE,
        )
    assert response.status_code == 202, response.text
    job: str = response.json()["job"]["id"]
    return job
