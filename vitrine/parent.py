"""A child that ends when its parent has gone: no process is left behind, however the parent ended."""

from __future__ import annotations

import os
import signal
import threading
import time

LOOK_EVERY = 1.0
"""Seconds; there is no portable way to be told."""


def exit_with_parent() -> None:
    """Watch, in a thread, and ask this process to stop (SIGTERM) once its parent is another."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
