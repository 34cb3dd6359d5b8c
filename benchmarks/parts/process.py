"""A process that a benchmark starts and measures: its log in a file, its CPU as reported by the system."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

START_SECONDS = 180.0
"""Importing torch and transformers on a busy machine with two cores takes most of a minute."""
STOP_SECONDS = 60.0
_LOOK_EVERY = 0.1
_LINES = 15


class Process:
    """One running process, created by `running`."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.pid = popen.pid
        self._popen = popen
        self._log = log
        self._watched = psutil.Process(popen.pid)

    def cpu_seconds(self) -> float:
        """Return the user and system time so far of all its threads and its children."""
        own = self._watched.cpu_times()
        total = float(own.user + own.system)
        for child in self._watched.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                total += times.user + times.system
        return total

    def wait_for(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Wait until `ready` returns true. Raises `RuntimeError` with the log's end if it does not in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"a process is not ready; its log ends so:\n{self.tail()}")
            time.sleep(_LOOK_EVERY)

    def wait_for_end(self) -> None:
        """Wait until the process has succeeded. Raises `RuntimeError` if it failed."""
        if self._popen.wait() != 0:
            raise RuntimeError(f"a process failed; its log ends so:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LINES:])

    def stop(self) -> None:
        """Send SIGTERM, and kill the process if it does not end."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


@contextlib.contextmanager
def running(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path
) -> Iterator[Process]:
    """Run a command for the duration of the block, in this environment without VITRINE_ variables plus `environment`.

    It runs in the folder of its log, so that PYTHONPATH alone determines which checkout's code it uses.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            env={**kept, **environment},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = Process(popen, log)
    try:
        yield process
    finally:
        process.stop()
