"""Pictures that kill the process, break the model, or hang it: the culprits are named, everybody else goes through."""

from __future__ import annotations

from pathlib import Path

from tests.faults.host import Host
from tests.faults.rig import items, rig
from tests.faults.tally import Tally, tally

QUICK = {"VITRINE_HUNG_SECONDS": "6"}
"""A hundred times what a batch of the built-in model takes: the minute of the default is for large ones."""


def marked_pictures(
    folder: Path,
    fault: str,
    *,
    pictures: int,
    culprits: list[int],
    reason: str | None,
    hangs: int = 0,
) -> tuple[Tally, int]:
    """A job in which some pictures are marked for a fault; the count, and how many workers died of them."""
    counter = folder / "deaths"
    counter.mkdir(parents=True)
    for number in range(hangs):
        (counter / str(number)).touch()
    with (
        Host(faults=dict.fromkeys(culprits, fault)) as host,
        rig(folder, [host.address], QUICK) as parts,
    ):
        more = {"FAULT_FILES": str(counter)}
        parts.start_worker("pictures", **more)
        job = parts.submit(items(pictures, host.url))
        parts.finish(job, lambda: parts.revive("pictures", **more))
        failing = {} if reason is None else {f"item-{n}": reason for n in culprits}
        counted = tally(parts, job, f"picture: {fault}", len(culprits), failing=failing)
        return counted, parts.crashes
