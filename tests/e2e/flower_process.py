"""Flower for a running service, protected by a password, read through its own API."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.standalone_process import House, environment, until
from tests.patience import PATIENCE
from vitrine.standalone.private_redis import free_port

AUTH = ("vitrine", "a-password-for-the-tests")


@dataclass(frozen=True)
class Flower:
    """A running Flower."""

    url: str

    def get(self, path: str) -> Any:
        """Return the JSON of a successful response."""
        answer = requests.get(self.url + path, auth=AUTH, timeout=PATIENCE)
        assert answer.ok, answer.text
        return answer.json()

    def answers(self) -> bool:
        """Return whether Flower is up."""
        try:
            return requests.get(f"{self.url}/healthcheck", timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False

    def workers(self) -> set[str]:
        """Return the workers whose heartbeat Flower has received; from then on it also receives their tasks."""
        shown = self.get("/workers?json=1")["data"]
        return {worker["hostname"] for worker in shown if worker["status"]}

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """List all tasks with this name."""
        found: dict[str, dict[str, Any]] = self.get(f"/api/tasks?taskname={name}&limit=1000")
        return list(found.values())


@contextlib.contextmanager
def flower(house: House) -> Iterator[Flower]:
    """Run `vitrine flower` on the service's data directory; yield it once it has seen the worker."""
    port = free_port()
    log_path = house.data_dir / "flower.log"
    extra = {"FLOWER_BASIC_AUTH": ":".join(AUTH)}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vitrine", "flower", "--port", str(port)],
            env=environment(house.data_dir, extra),
            stdout=log,
            stderr=log,
        )
    try:
        made = Flower(f"http://127.0.0.1:{port}")
        until(lambda: process.poll() is not None or made.answers(), "Flower")
        assert process.poll() is None, log_path.read_text()
        until(made.workers, "Flower to hear of the worker")
        yield made
    finally:
        process.kill()
        process.wait(PATIENCE)
