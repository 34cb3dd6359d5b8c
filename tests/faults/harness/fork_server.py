"""Workers by the hundred: forked from a process that has imported what they need and has done nothing else.

Half of what the start of a worker costs is imports; hundreds of deaths would be hours of them. What is forked calls the same command, opens
its own connections and is a process of its own, to be killed like any other. Orders and answers are lines of JSON on two pipes.
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
    """A worker from the nursery, as `subprocess.Popen` shows a process."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self._code is None:
            self._code = self._nursery.order(poll=self.pid)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """The exit code once it has ended; raises `subprocess.TimeoutExpired`."""
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
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Forks workers while the `with` block runs; for one thread."""

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
        # It holds nothing that its end could spoil, and its workers are dead by then.
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def start(self, environment: Mapping[str, str], log: Path) -> Forked:
        """A worker with this environment, telling to this file."""
        return Forked(self, self.order(environment=dict(environment), log=str(log)))

    def order(self, **order: Any) -> Any:
        """What the nursery answers."""
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
    """Be the command that users run, as if just started."""
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
    """Take orders until there are no more."""
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
