"""Measures the share of their rate that good pictures keep next to bad ones, and the worker's peak memory.

One worker runs the usual catalog, the one with the fault, and the usual one again, so that a change of the
machine's speed affects both.
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
"""Memory limit of a worker with the built-in model, in MiB: at their limits, pictures in work take a few hundred."""


@dataclass(frozen=True)
class Beside:
    """A catalog with bad pictures, and the one it is compared with."""

    made: Sequence[CatalogItem]
    good: Sequence[CatalogItem]  #: The good ones among them.
    usual: Sequence[CatalogItem]  #: The good ones, and the others if their host can be healthy.
    failing: dict[str, str]
    least: float  #: The share of their rate that the good ones must keep.

    def judged(self, parts: Rig, fault: str, times: int) -> Tally:
        """Count the job, and compare the good pictures' rate with their usual rate."""
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
        """Submit the pictures; return the job, and good pictures per second until the last of them was stored."""
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
    """Return the largest resident set of any worker so far, in MiB (Linux)."""
    sizes = [_high_water(Path(f"/proc/{worker.pid}/status")) for worker in parts.workers]
    return max(sizes) // 1024


def _high_water(status: Path) -> int:
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
