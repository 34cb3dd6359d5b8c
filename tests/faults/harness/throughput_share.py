"""How much of their rate good pictures keep beside bad ones, and how large the worker grew over it.

As it usually is, then with the fault, then as usual again, by one worker: what the machine does meanwhile falls on both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.harness.environment import COLLECTION, Rig, until
from tests.faults.harness.promise import at_least, at_most
from tests.faults.harness.tally import Tally, tally
from vitrine.core.types import CatalogItem, point_id

MOST_MIB = 1024
"""What a worker with the built-in model may take: pictures in work are a few hundred megabytes at their limits."""


@dataclass(frozen=True)
class Beside:
    """A catalog with something wrong, and what it is compared with."""

    made: Sequence[CatalogItem]
    good: Sequence[CatalogItem]  #: Those of them that nothing is wrong with.
    usual: Sequence[CatalogItem]  #: The good ones, and the others where their host could be well.
    failing: dict[str, str]
    least: float  #: What of their rate the good ones shall keep.

    def judged(self, parts: Rig, fault: str, times: int) -> Tally:
        """The count of the job, and the good ones' rate by what it usually is."""
        parts.ready(parts.start_worker())
        self._rate(parts, self.usual[: len(self.usual) // 10], "warm")
        usually = [self._rate(parts, self.usual, "before")[1]]
        before = peak_mib(parts)
        job, rate = self._rate(parts, self.made, COLLECTION)
        parts.finish(job, patience=1800)
        counted = tally(parts, job, fault, times, failing=self.failing)
        usually.append(self._rate(parts, self.usual, "after")[1])
        return counted.promising(
            at_least(
                "rate of the good pictures relative to normal",
                self.least,
                rate / statistics.mean(usually),
            ),
            at_most(f"peak MiB ({before} without the fault)", MOST_MIB, peak_mib(parts)),
            at_most("workers that exited", 0, sum(not one.alive() for one in parts.workers)),
        )

    def _rate(self, parts: Rig, given: Sequence[CatalogItem], collection: str) -> tuple[str, float]:
        """The job, and good pictures a second until the last of them was in the store."""
        wanted = {item.id for item in given}
        open_ = [point_id(collection, item.id, 0) for item in self.good if item.id in wanted]
        count, written, began = len(open_), parts.store.written, time.monotonic()
        job = parts.submit(given, collection)

        def stored() -> bool:
            while open_ and open_[-1] in written:
                open_.pop()
            return not open_

        until(stored, "the good pictures", patience=1800)
        return job, count / (time.monotonic() - began)


def peak_mib(parts: Rig) -> int:
    """The largest resident set of any worker so far, in MiB (Linux)."""
    sizes = [_high_water(Path(f"/proc/{worker.pid}/status")) for worker in parts.workers]
    return max(sizes) // 1024


def _high_water(status: Path) -> int:
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
