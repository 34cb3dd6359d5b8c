"""How many threads torch takes for one operation, in a thread that shares the cores with others like it."""

from __future__ import annotations

import sys
import threading

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
