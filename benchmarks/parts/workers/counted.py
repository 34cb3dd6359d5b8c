"""`vitrine worker`, additionally counting what each lane sends to the device.

::

    python -m benchmarks.parts.workers.counted FILE --model NAME --device cpu

Every half second it writes `{lane: [batches, requests]}` to FILE as JSON; everything else is the unchanged command.
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
    """Start counting the batches and requests that packers return. The counts are updated in place."""
    counts: dict[str, list[int]] = {}
    take = Packer.take

    def taking(self: Packer, lane: Lane) -> list[EmbedRequest]:
        batch = take(self, lane)
        if batch:
            seen = counts.setdefault(lane.name.lower(), [0, 0])
            seen[0] += 1
            seen[1] += len(batch)
        return batch

    Packer.take = taking  # type: ignore[method-assign]  # the packer does not need to count by lane itself
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
