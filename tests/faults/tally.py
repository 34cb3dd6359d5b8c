"""What came of a fault: how many pictures went in, came out, were lost, were written twice, and how long it took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.rig import COLLECTION, Rig
from vitrine.contracts import JobStatus


@dataclass(frozen=True)
class Tally:
    """One fault's count; `lost` pictures have no outcome, or an outcome that the store does not bear out."""

    fault: str
    times: int  #: How often it was injected.
    put_in: int
    out: int
    lost: int
    doubled: int  #: Points written again after they had been written.
    wrong: int = 0  #: Pictures with another outcome than they should have.
    recoveries: Sequence[float] = field(default=())
    """Seconds from each fault to the next outcome."""
    rate_share: float | None = None
    """The rate of the pictures that nothing was wrong with, by what it is without the fault."""
    peak_mib: int | None = None
    """The worker's largest resident set, where that was looked at."""

    @property
    def exact(self) -> bool:
        """Whether every picture has its one right outcome, and the store holds what the ledger says."""
        return self.put_in == self.out and self.lost == 0 and self.wrong == 0

    def row(self) -> list[str]:
        """As it stands in a table."""
        worst = f"{max(self.recoveries):.1f}" if self.recoveries else ""
        median = f"{statistics.median(self.recoveries):.1f}" if self.recoveries else ""
        share = "" if self.rate_share is None else f"{self.rate_share:.2f}"
        peak = "" if self.peak_mib is None else f"{self.peak_mib:,}"
        counts = (self.times, self.put_in, self.out, self.lost, self.wrong, self.doubled)
        return [self.fault, *(f"{count:,}" for count in counts), median, worst, share, peak]


def tally(
    rig: Rig,
    job: str,
    fault: str,
    times: int,
    *,
    failing: Mapping[str, str] | None = None,
    cancelled: bool = False,
    recoveries: Sequence[float] = (),
    collection: str = COLLECTION,
) -> Tally:
    """Count a finished job; `failing` names the items that had to fail, and why."""
    status = rig.status(job)
    failed, stored = rig.failed(job), rig.stored(collection)
    wanted = dict(failing or {})
    return Tally(
        fault=fault,
        times=times,
        put_in=status.images,
        out=status.embedded + status.failed + status.cancelled,
        lost=status.pending + abs(len(stored) - status.embedded),
        doubled=rig.doubled(),
        wrong=_differing(failed, wanted) + (0 if cancelled else _missing(status, stored, wanted)),
        recoveries=recoveries,
    )


def _differing(failed: Mapping[str, str], wanted: Mapping[str, str]) -> int:
    return sum(failed.get(item) != wanted.get(item) for item in failed.keys() | wanted.keys())


def _missing(status: JobStatus, stored: set[str], wanted: Mapping[str, str]) -> int:
    expected = {f"item-{n}" for n in range(status.images)} - wanted.keys()
    return len(expected ^ stored)
