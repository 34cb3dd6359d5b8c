"""`vitrine worker`, counting beside it what each lane sends to the device.

::

    python -m benchmarks.parts.workers.counted FILE --model NAME --device cpu

Every half second FILE gets, as JSON, `{lane: [batches, requests]}`; everything else is the command's own.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from vitrine.cli import main
from workers.batching.packer import EmbedRequest, Lane, Packer

EVERY_SECONDS = 0.5


def count_lanes() -> dict[str, list[int]]:
    """From now on, batches and requests that packers give out; the counts grow in place."""
    counts: dict[str, list[int]] = {}
    take = Packer.take

    def taking(self: Packer, lane: Lane) -> list[EmbedRequest]:
        batch = take(self, lane)
        if batch:
            seen = counts.setdefault(lane.name.lower(), [0, 0])
            seen[0] += 1
            seen[1] += len(batch)
        return batch

    Packer.take = taking  # type: ignore[method-assign]  # the packer itself has no need to count by lane
    return counts


def _write(file: Path, counts: dict[str, list[int]]) -> None:
    scratch = file.with_suffix(".new")
    while True:
        scratch.write_text(json.dumps(counts))
        scratch.replace(file)
        time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    threading.Thread(
        target=_write, args=(Path(sys.argv[1]), count_lanes()), name="counts", daemon=True
    ).start()
    sys.argv = ["vitrine", "worker", *sys.argv[2:]]
    main()
