"""Builds the HNSW graph of a copied shard, in a process of its own: `python -m vitrine.store.embedded.build DIR PPID`.

The engine's binding keeps the interpreter's lock while it builds (0.4 to 0.9 ms of CPU a point: 75 s for
100,000), so a thread would freeze every query for as long. The process splits in two: one half builds,
the other ends it when the process that asked for it is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time

POLL_SECONDS = 0.5
NICENESS = 10  #: Queries and embedding go first.


def build(directory: str) -> None:
    """Build what is missing of the graph in the shard at `directory`; returns when it is on disk."""
    import qdrant_edge  # noqa: PLC0415  the watching half has no use for it

    shard = qdrant_edge.EdgeShard.load(directory)
    shard.optimize()
    shard.flush()
    shard.close()


def main(directory: str, parent: int) -> int:
    """Build in a child and watch over it; the exit status is the child's."""
    os.nice(NICENESS)
    # Held back until the watching half can act on it, so that no builder is left behind.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    builder = os.fork()
    if builder:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(builder, signal.SIGKILL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if builder == 0:
        build(directory)
        return 0
    while True:
        done, status = os.waitpid(builder, os.WNOHANG)
        if done:
            return abs(os.waitstatus_to_exitcode(status))
        if os.getppid() != parent:
            os.kill(builder, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
