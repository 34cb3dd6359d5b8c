"""A supervised process: the pauses between its restarts, and how it is stopped."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.patience import PATIENCE
from vitrine.process import child as module
from vitrine.process.child import MAX_BACKOFF, MIN_BACKOFF, ChildProcess
from vitrine.process.output import LogFile


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


def running(code: str, folder: Path, *, grace: float = 60.0) -> ChildProcess:
    made = ChildProcess("part", [], environment={}, output=LogFile(folder / "log"), grace=grace)
    made._arguments = [sys.executable, "-c", code]
    return made


def ended(child: ChildProcess) -> None:
    assert child._process is not None
    child._process.wait(PATIENCE)


def pause(child: ChildProcess, clock: Clock) -> float:
    """Return how long a child that has ended waits before it is restarted."""
    before, starts = clock.now, child.starts
    child.restart_if_dead()
    while child.starts == starts:
        clock.now += 0.25
        child.restart_if_dead()
    return clock.now - before


def test_a_child_that_dies_young_waits_longer_each_time(tmp_path: Path, clock: Clock) -> None:
    child = running("raise SystemExit(3)", tmp_path)
    child.start()
    pauses = []
    for _ in range(7):
        ended(child)
        pauses.append(pause(child, clock))
    ended(child)
    assert child.exit_code == 3
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, MAX_BACKOFF, MAX_BACKOFF]


def test_a_child_that_was_steady_comes_back_at_once(tmp_path: Path, clock: Clock) -> None:
    child = running("raise SystemExit(3)", tmp_path)
    child.start()
    for _ in range(3):
        ended(child)
        pause(child, clock)
    ended(child)
    clock.now += module.HEALTHY_SECONDS + 1
    assert pause(child, clock) == MIN_BACKOFF
    ended(child)


def test_a_child_that_runs_is_left_alone(tmp_path: Path) -> None:
    child = running("import time; time.sleep(600)", tmp_path)
    child.start()
    pid = child.pid
    child.restart_if_dead()
    assert (child.pid, child.starts, child.exit_code) == (pid, 1, None)
    child.stop()
    assert (child.pid, child.exit_code) == (None, -signal.SIGTERM)
    child.stop()


def test_a_child_that_will_not_stop_is_made_to(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    child = running(deaf, tmp_path, grace=0.2)
    child.start()
    wait_for(ready.exists)
    child.stop()
    assert child.exit_code == -signal.SIGKILL


def test_a_child_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    child = running("", tmp_path)
    child.stop()
    assert (child.alive(), child.exit_code) == (False, None)


def wait_for(condition: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
