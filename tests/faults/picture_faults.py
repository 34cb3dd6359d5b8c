"""Pictures that crash the process, break the model, or hang it: they are named, and all others succeed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.harness.environment import Rig, items, rig
from tests.faults.harness.faulty_worker import SHORT_MEMORY
from tests.faults.harness.picture_host import Host
from tests.faults.harness.promise import Promise, at_least, at_most, within
from tests.faults.harness.tally import Tally, tally

QUICK = {"VITRINE_DEVICE_TIMEOUT": "6"}
"""A hundred times as long as a batch of the built-in model takes; the default of a minute is for large models."""
MOST_CRASHES = {"abort": 8, "hang": 1}
"""Crashes by fault; other faults cause none."""


REASONS = {"abort": "crashed_worker", "raise": "model_error", "nan": "bad_vector"}
"""The reason for a picture's failure, by fault; a batch that is short of memory and a single hang cost no picture."""


def marked_pictures(
    folder: Path,
    marks: Mapping[int, str],
    *,
    pictures: int,
    hangs: int = 0,
    extra: Mapping[str, str] = QUICK,
) -> tuple[Tally, int]:
    """Run a job with faults marked on some pictures, by number; return the count, and how many workers crashed."""
    counter = folder / "deaths"
    counter.mkdir(parents=True)
    for number in range(hangs):
        (counter / str(number)).touch()
    with (
        Host(faults=dict(marks)) as host,
        rig(folder, [host.address], extra) as parts,
    ):
        more = {"FAULT_FILES": str(counter)}
        parts.ready(parts.start_worker("pictures", **more))
        job = parts.submit(items(pictures, host.url))
        hung = Hung(parts, counter, hangs)

        def look() -> None:
            parts.restart_if_dead("pictures", **more)
            hung.look()

        parts.finish(job, look)
        failing = {f"item-{n}": REASONS[fault] for n, fault in marks.items() if fault in REASONS}
        faults = sorted(set(marks.values()))
        counted = tally(
            parts, job, f"picture: {', '.join(faults)}", len(marks),
            hosts=[host], failing=failing, recoveries=hung.seconds,
        )  # fmt: skip
        return counted.promising(*_promises(faults, parts, hung)), parts.crashes


class Hung:
    """Measures the time from a model's hang until another worker is up in place of the one that was ended."""

    def __init__(self, parts: Rig, counter: Path, hangs: int) -> None:
        self._parts = parts
        self._counter = counter
        self._left = hangs
        self._began: float | None = None
        self._pids: set[int] = set()
        self.seconds: list[float] = []

    def look(self) -> None:
        """Check whether a hang has begun or is over. A hanging model first removes its file."""
        if self._began is not None:
            if any(worker.pid not in self._pids for worker in self._parts.up()):
                self.seconds.append(time.monotonic() - self._began)
                self._began = None
        elif self._left > len(list(self._counter.iterdir())):
            self._left -= 1
            self._began = time.monotonic()
            self._pids = {worker.pid for worker in self._parts.workers}


def _promises(faults: Sequence[str], parts: Rig, hung: Hung) -> list[Promise]:
    most = sum(MOST_CRASHES.get(fault, 0) for fault in faults)
    crashes = [at_most("crashes", most, parts.crashes)]
    if "memory" in faults:
        short = (parts.folder / SHORT_MEMORY).exists()
        crashes.append(at_least("runs that ran out of memory", 1, int(short)))
    if "hang" not in faults:
        return crashes
    restarted = within("new worker up after", 90, hung.seconds)
    return [*crashes, at_least("hangs", 1, len(hung.seconds)), restarted]
