"""Run one command and end it when the parent process is gone: `python -m vitrine.process.guard PARENT COMMAND …`.

For servers that cannot watch their parent themselves. However the parent ended, no server is left behind. Imports
only the standard library, so that the guard starts quickly and uses little memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

POLL_SECONDS = 0.5
"""Seconds. There is no portable notification of a parent's death."""


class _Stop(Exception):
    """Raised at the current point of execution by the handler of SIGTERM."""


def _raise_stop(*_: object) -> None:
    raise _Stop


def run(parent: int, command: Sequence[str]) -> int:
    """Run the command until it ends and return its exit code. Sends it SIGTERM on SIGTERM or when the parent is gone.

    `parent` is the process id that the parent passed: if the parent ended before this started, `os.getppid()`
    already returns another.
    """
    # Before the command starts: a SIGTERM in between would leave it running.
    signal.signal(signal.SIGTERM, _raise_stop)
    child: subprocess.Popen[bytes] | None = None
    try:
        child = subprocess.Popen(command)
        while os.getppid() == parent:
            try:
                return child.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    except _Stop:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if child is None:
        return 0
    child.terminate()
    return child.wait()


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2:]))
