"""Hundreds of workers, forked from a process that has imported what they need and done nothing else.

Imports are half of a worker's start, and would take hours for hundreds of deaths. A forked worker calls
the same command, opens its own connections, and can be killed like any other process. Orders and answers
are JSON lines on two pipes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PRELOADED = (
    "celery.bin.celery", "celery.apps.worker", "celery.concurrency.thread", "kombu.transport.redis",
    "torch", "vitrine.cli.worker.command", "workers.app", "workers.models.builtin.model", "workers.models.device",
)  # fmt: skip


class Forked:
    """A worker from the nursery, with the interface of `subprocess.Popen`."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        if self._code is None:
            self._code = self._nursery.order(poll=self.pid)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended; raises `subprocess.TimeoutExpired`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("worker", timeout or 0.0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Forks workers while the `with` block runs; for use by one thread."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # It has no state to lose, and its workers are dead by now.
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def start(self, environment: Mapping[str, str], log: Path) -> Forked:
        """Start a worker with this environment and log file."""
        return Forked(self, self.order(environment=dict(environment), log=str(log)))

    def order(self, **order: Any) -> Any:
        """Send an order and return the nursery's answer."""
        orders, answers = self._process.stdin, self._process.stdout
        assert orders is not None
        assert answers is not None
        orders.write(json.dumps(order).encode() + b"\n")
        orders.flush()
        return json.loads(answers.readline())


def _exit_code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become_worker(environment: Mapping[str, str], log: str) -> None:
    """Run the command that users run, as if just started."""
    os.environ.clear()
    os.environ.update(environment)
    quiet, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for given, standard in ((quiet, 0), (output, 1), (output, 2)):
        os.dup2(given, standard)
    os.closerange(3, 64)
    from vitrine.cli import main as command

    sys.argv = ["vitrine", "worker"]
    command()


def main() -> None:
    """Carry out orders until standard input ends."""
    from importlib import import_module

    for module in _PRELOADED:
        import_module(module)
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        if "poll" in order:
            answer = _exit_code(order["poll"])
        else:
            answer = os.fork()
            if answer == 0:
                _become_worker(order["environment"], order["log"])
                return
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
