"""Build the HNSW graph of a copied shard in a separate process: `python -m vitrine.store.embedded.build DIR PPID`.

The engine's Python binding holds the GIL while it builds (0.4 to 0.9 ms of CPU per point: 75 s for 100,000),
so building in a thread would block every query for that long. The process forks: the child builds, and the
parent kills it if the process that started the build is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time

POLL_SECONDS = 0.5
NICENESS = 10  #: Queries and embedding take priority.


def build(directory: str) -> None:
    """Build the missing part of the graph in the shard at `directory`. Returns once it is on disk."""
    import qdrant_edge  # noqa: PLC0415  the watching parent does not need it

    shard = qdrant_edge.EdgeShard.load(directory)
    shard.optimize()
    shard.flush()
    shard.close()


def main(directory: str, parent: int) -> int:
    """Build in a child process and watch it. The exit status is the child's."""
    os.nice(NICENESS)
    # Blocked until the parent can handle it, so that no builder is left running.
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
