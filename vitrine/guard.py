"""Runs one command and ends it when its own parent has gone: `python -m vitrine.guard COMMAND …`.

For servers that cannot watch their parent themselves. However the parent ended, none is left behind; the
standard library alone is imported, so that the guard starts at once and weighs little.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

LOOK_EVERY = 0.5
"""Seconds; there is no portable way to be told that a parent has gone."""


def run(command: Sequence[str]) -> int:
    """Run the command until it ends, its exit code; SIGTERM and the parent's end are passed on as SIGTERM."""
    parent = os.getppid()
    child = subprocess.Popen(command)

    def pass_on(*_: object) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        try:
            return child.wait(LOOK_EVERY)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.terminate()
                return child.wait()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
