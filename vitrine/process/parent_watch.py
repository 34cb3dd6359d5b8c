"""A watch that ends a child process when its parent is gone, however the parent ended."""

from __future__ import annotations

import os
import signal
import threading
import time

POLL_SECONDS = 1.0
"""Seconds. There is no portable notification of a parent's death."""


PARENT_VARIABLE = "VITRINE_PARENT"
"""The parent's process id, set for its children: if the parent ends immediately, `os.getppid()` returns another."""


def exit_with_parent() -> None:
    """Watch the parent in a thread, and send this process SIGTERM once the parent is gone."""
    parent = int(os.environ.get(PARENT_VARIABLE) or os.getppid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
