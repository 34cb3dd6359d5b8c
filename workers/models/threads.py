"""Controls how many threads torch uses per operation in threads that share the cores."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
_LOCK = threading.Lock()


def single_threaded() -> None:
    """Make torch use only this thread; called when a decoder thread starts. Does nothing if torch is not imported.

    `torch.set_num_threads` affects the calling thread and every thread that has not yet used torch, so a device's thread
    that starts later would also get one core. A short-lived thread therefore restores the old number for later threads.
    """
    # A model that does not need torch has not imported it, and must not import it for this.
    torch = sys.modules.get("torch")
    if torch is None:
        return
    with _LOCK:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        restoring = threading.Thread(target=torch.set_num_threads, args=(before,))
        restoring.start()
        restoring.join()


def run_in_own_thread(work: Callable[[], T]) -> T:
    """Run `work` in a new thread that ends with it, and return its result; raises what `work` raises.

    The thread is a daemon, so a process that is told to stop meanwhile does not wait for it.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            future.set_exception(error)

    thread = threading.Thread(target=run, name="passing", daemon=True)
    thread.start()
    result = future.result()
    thread.join()
    return result
