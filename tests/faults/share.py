"""How much of their rate good pictures keep beside bad ones, and how large the worker grew over it.

The good pictures alone, then among the bad ones, then alone again, by one worker: what the machine does meanwhile
falls on both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.faults.rig import Rig, until
from tests.faults.tally import Tally, tally
from vitrine.contracts import CatalogItem


def beside(parts: Rig, fault: str, made: Sequence[CatalogItem], failing: dict[str, str]) -> Tally:
    """The count of a job in which `failing` is what is bad, with the share of its rate that the rest has."""
    good = [item for item in made if item.id not in failing]
    _rate(parts, good[: len(good) // 10], "warm", len(good) // 10)
    alone = [_rate(parts, good, "before", len(good))[1]]
    job, among = _rate(parts, made, None, len(good))
    parts.finish(job)
    counted = tally(parts, job, fault, len(failing), failing=failing)
    alone.append(_rate(parts, good, "after", len(good))[1])
    share = among / statistics.mean(alone)
    return replace(counted, rate_share=share, peak_mib=peak_mib(parts))


def _rate(
    parts: Rig, made: Sequence[CatalogItem], collection: str | None, good: int
) -> tuple[str, float]:
    """The job, and good pictures a second until the last of them was embedded."""
    began = time.monotonic()
    job = parts.submit(made) if collection is None else parts.submit(made, collection)
    until(lambda: parts.status(job).embedded >= good, "the good pictures", patience=1800)
    return job, good / (time.monotonic() - began)


def peak_mib(parts: Rig) -> int:
    """The largest resident set of any worker so far, in MiB (Linux)."""
    sizes = [_high_water(Path(f"/proc/{worker.pid}/status")) for worker in parts.workers]
    return max(sizes) // 1024


def _high_water(status: Path) -> int:
    lines = status.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
