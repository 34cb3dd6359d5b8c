"""`vitrine api` as a real process: it starts without Redis and store, reports that they are
missing, and stops on request.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.patience import PATIENCE
from vitrine.core.api_keys import Scope, new_key

pytestmark = pytest.mark.e2e


class Process:
    """The command and its URL; all of its output goes to `log`."""

    def __init__(
        self, folder: Path, *arguments: str, through: tuple[str, ...] = (), **settings: str
    ) -> None:
        self.log = folder / "log"
        self._port_file = folder / "url"
        environment = os.environ | {
            "VITRINE_DATA_DIR": str(folder),
            "VITRINE_REDIS_URL": "redis://127.0.0.1:1/0",
            "VITRINE_QDRANT_URL": "http://127.0.0.1:9",  # discard port: nothing listens there
            **settings,
        }
        command = [
            *(through or (sys.executable, "-m", "vitrine")), "api", "--port", "0",
            "--port-file", str(self._port_file), *arguments,
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def url(self) -> str:
        wait_until(self._port_file.exists, self)
        return self._port_file.read_text().strip()

    def output(self) -> str:
        return self.log.read_text()


def wait_until(condition: object, process: Process) -> None:
    assert callable(condition)
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.child.poll() is None, process.output()
        assert time.monotonic() < deadline, process.output()
        time.sleep(0.05)


@pytest.fixture
def started() -> Iterator[list[Process]]:
    """Processes that are ended after the test, whatever its outcome."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        if process.child.poll() is None:
            process.child.kill()
        process.child.wait(PATIENCE)


def test_it_is_alive_without_redis_and_store_and_says_what_is_missing(
    started: list[Process], tmp_path: Path
) -> None:
    process = Process(tmp_path)
    started.append(process)
    url = process.url()
    assert requests.get(f"{url}/healthz", timeout=PATIENCE).status_code == 200
    answer = requests.get(f"{url}/readyz", timeout=PATIENCE)
    assert answer.status_code == 503
    assert {"ledger", "store"} <= {
        name for name, found in answer.json()["checks"].items() if found != "ok"
    }
    assert requests.get(f"{url}/v1/jobs", timeout=PATIENCE).status_code == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_with_exit_code_0_when_told(
    started: list[Process], tmp_path: Path, number: signal.Signals
) -> None:
    process = Process(tmp_path)
    started.append(process)
    process.url()
    process.child.send_signal(number)
    assert process.child.wait(PATIENCE) == 0, process.output()
    assert "Traceback" not in process.output()


def test_a_taken_port_is_one_sentence_and_exit_code_1(
    started: list[Process], tmp_path: Path
) -> None:
    first = Process(tmp_path)
    started.append(first)
    port = first.url().rpartition(":")[2]
    (tmp_path / "second").mkdir()
    second = Process(tmp_path / "second", "--port", port)
    started.append(second)
    assert second.child.wait(PATIENCE) == 1
    assert "cannot listen at 127.0.0.1" in second.output()
    assert "Traceback" not in second.output()


def test_beyond_this_machine_it_does_not_start_without_keys(
    started: list[Process], tmp_path: Path
) -> None:
    process = Process(tmp_path, "--host", "0.0.0.0")
    started.append(process)
    assert process.child.wait(PATIENCE) == 2
    assert "be open to everyone at 0.0.0.0" in process.output()
    assert "vitrine keys new" in process.output()
    assert "Traceback" not in process.output()


def test_beyond_this_machine_it_serves_who_has_a_key_and_writes_down_what_they_did(
    started: list[Process], tmp_path: Path
) -> None:
    key, kept = new_key("operator", [Scope.ADMIN])
    audit = tmp_path / "audit.log"
    process = Process(
        tmp_path, "--host", "0.0.0.0", VITRINE_API_KEYS=kept.entry, VITRINE_AUDIT_LOG=str(audit)
    )
    started.append(process)
    url = process.url()
    cancel = f"{url}/v1/jobs/x/cancel"
    assert requests.get(f"{url}/healthz", timeout=PATIENCE).status_code == 200
    assert requests.post(cancel, timeout=PATIENCE).status_code == 401
    bearer = {"Authorization": f"Bearer {key}"}
    assert requests.post(cancel, headers=bearer, timeout=PATIENCE).status_code == 503
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["key"], line["outcome"]) for line in lines] == [
        (None, "refused"), ("operator", "failed"),
    ]  # fmt: skip
    assert key not in process.output()


def test_it_ends_when_its_parent_has_gone(started: list[Process], tmp_path: Path) -> None:
    # The shell starts it in the background and waits; killing the shell leaves the API without a parent.
    script = f'"{sys.executable}" -m vitrine "$@" & echo $! > "{tmp_path}/pid"; wait'
    parent = Process(tmp_path, "--exit-with-parent", through=("/bin/sh", "-c", script, "sh"))
    started.append(parent)
    url = parent.url()
    child = int((tmp_path / "pid").read_text())
    parent.child.kill()
    parent.child.wait(PATIENCE)
    try:
        deadline = time.monotonic() + PATIENCE
        while answers(url):
            assert time.monotonic() < deadline, parent.output()
            time.sleep(0.05)
    except AssertionError:
        os.kill(child, signal.SIGKILL)
        raise


def answers(url: str) -> bool:
    # Do not check the process id: a container without an init keeps an ended process as a zombie.
    try:
        requests.get(f"{url}/healthz", timeout=PATIENCE)
    except requests.ConnectionError:
        return False
    return True
