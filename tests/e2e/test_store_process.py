"""`vitrine store` as a supervisor runs it: a real process, its file, signals and shutdown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.patience import PATIENCE
from vitrine.core.types import point_id
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.remote.store import RemoteStore

pytestmark = pytest.mark.e2e

TOKEN = "a-token-for-the-tests"
SPACE = EmbeddingSpace("m", "r", "p", 8)
COMMAND = [sys.executable, "-c", "from vitrine.cli import main; main()", "store"]


def points(count: int) -> PointBatch:
    vectors = np.zeros((count, 8), np.float32)
    vectors[:, 0] = 1
    items = [f"i{row}" for row in range(count)]
    provenance = Provenance("job", "m", "r", "p", "00", None, "2026-01-01T00:00:00Z")
    return PointBatch(
        ids=[point_id("c", item, 0) for item in items],
        vectors=vectors,
        item_ids=items,
        indexes=[0] * count,
        urls=[""] * count,
        fields=[{}] * count,
        provenance=[provenance] * count,
    )


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **more}


class Process:
    """A running `vitrine store`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port_file = folder / "url"
        command = [*COMMAND, "--path", str(folder / "store"), "--port-file", str(self.port_file)]
        self.popen = subprocess.Popen(
            [*command, *options],
            env=environment(VITRINE_STORE_TOKEN=TOKEN),
            stderr=subprocess.PIPE,
            text=True,
        )

    def client(self) -> RemoteStore:
        until(lambda: self.port_file.exists() or self.popen.poll() is not None)
        return RemoteStore(self.port_file.read_text(), TOKEN)

    def end(self, number: int) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    started = Process(tmp_path)
    yield started
    started.popen.kill()
    started.popen.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_store_cleanly(process: Process, number: int) -> None:
    client = process.client()
    client.ensure("c", SPACE)
    client.upsert("c", points(10))
    assert process.end(number) == 0
    assert not process.port_file.exists()
    assert process.popen.stderr is not None
    said = process.popen.stderr.read()
    assert "listens on http://127.0.0.1:" in said
    assert TOKEN not in said
    assert "Traceback" not in said
    store = EmbeddedStore(process.folder / "store")
    assert store.count("c") == 10
    store.close()
    client.close()


def test_kill_9_loses_no_upsert_that_was_answered(process: Process) -> None:
    client = process.client()
    client.ensure("c", SPACE)
    for count in (10, 20, 30):
        client.upsert("c", points(count))
    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    client.close()
    process.port_file.unlink()  # a supervisor removes it before it starts another
    again = Process(process.folder)
    client = again.client()
    assert client.count("c") == 30
    client.close()
    assert again.end(signal.SIGTERM) == 0
    again.popen.communicate()


def test_it_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    """The parent starts it, prints its process id, and exits immediately."""
    url = tmp_path / "url"
    options = ["--path", str(tmp_path / "store"), "--port-file", str(url)]
    parent = (
        "import os, subprocess, sys, time\n"
        f"command = {[*COMMAND, *options]!r} + ['--exit-with-parent']\n"
        "process = subprocess.Popen(command)\n"
        f"while not os.path.exists({str(url)!r}): time.sleep(0.05)\n"
        "print(process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    env = environment(VITRINE_STORE_TOKEN=TOKEN)
    with (tmp_path / "log").open("wb") as log:
        said = subprocess.run(
            [sys.executable, "-c", parent],
            stdout=subprocess.PIPE,
            stderr=log,
            env=env,
            timeout=PATIENCE,
            check=True,
        )
    orphan = int(said.stdout)
    until(lambda: not url.exists())  # removed as the last step of a clean end
    until(lambda: not _runs(orphan))
    EmbeddedStore(tmp_path / "store").close()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("token", [None, "short"])
def test_it_does_not_start_without_a_good_token(tmp_path: Path, token: str | None) -> None:
    env = {key: value for key, value in os.environ.items() if key != "VITRINE_STORE_TOKEN"}
    if token is not None:
        env["VITRINE_STORE_TOKEN"] = token
    ended = subprocess.run(
        [*COMMAND, "--path", str(tmp_path / "store")],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert "VITRINE_STORE_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_one_on_the_same_directory_says_so(process: Process) -> None:
    process.client().close()
    second = subprocess.run(
        [*COMMAND, "--path", str(process.folder / "store")],
        env=environment(VITRINE_STORE_TOKEN=TOKEN),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert second.returncode == 1
    assert "already in use" in " ".join(second.stderr.split())
    assert "Traceback" not in second.stderr
