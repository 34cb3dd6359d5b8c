"""A child that ends when its parent has gone: no process is left behind, however the parent ended."""

from __future__ import annotations

import os
import signal
import threading
import time

POLL_SECONDS = 1.0
"""Seconds; there is no portable way to be told."""


PARENT_VARIABLE = "VITRINE_PARENT"
"""A parent's process id, as it tells its children: `os.getppid()` is another already where it ended at once."""


def exit_with_parent() -> None:
    """Watch, in a thread, and ask this process to stop (SIGTERM) once its parent is another."""
    parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
