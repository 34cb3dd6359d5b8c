"""Runs one command and ends it when its own parent has gone: `python -m vitrine.process.guard PARENT COMMAND …`.

For servers that cannot watch their parent themselves. However the parent ended, none is left behind; the
standard library alone is imported, so that the guard starts at once and weighs little.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

POLL_SECONDS = 0.5
"""Seconds; there is no portable way to be told that a parent has gone."""


class _Stop(Exception):
    """Raised where the process stands when it is asked to stop."""


def _raise_stop(*_: object) -> None:
    raise _Stop


def run(parent: int, command: Sequence[str]) -> int:
    """Run the command until it ends, and give its exit code; SIGTERM and the parent's end pass on as SIGTERM.

    `parent` is the parent's process id as the parent knows it: when it ended before this began to look,
    `os.getppid()` is another already.
    """
    # Before the command is started: a SIGTERM in between would leave it behind.
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
