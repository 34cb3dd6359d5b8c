"""How many threads torch takes for one operation, in a thread that shares the cores with others like it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
_LOCK = threading.Lock()


def single_threaded() -> None:
    """Let torch work in this thread alone; for the beginning of a decoder's thread. Does nothing without torch.

    `torch.set_num_threads` holds for the calling thread and for every thread that has not yet used torch, so a device's
    thread that began later would have one core too. A passing thread says the old number again for those to come.
    """
    # A model that needs no torch has not imported it, and shall not for this.
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
    """Do something in a thread that ends with it; what it raises is raised here.

    Who is told to stop meanwhile stops at once: the thread is a daemon, and is not waited for.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            future.set_exception(error)

    thread = threading.Thread(target=run, name="passing", daemon=True)
    thread.start()
    result = future.result()
    thread.join()
    return result
