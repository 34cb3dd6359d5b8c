"""The result of a fault: pictures that went in, came out, were lost or done twice, and the promises."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.faults.harness.environment import COLLECTION, Rig
from tests.faults.harness.picture_host import Host
from tests.faults.harness.promise import Promise
from vitrine.core.types import JobStatus


@dataclass(frozen=True)
class Tally:
    """The count for one fault; `lost` pictures have no outcome, or one that contradicts the store."""

    fault: str
    times: int  #: How often the fault was injected.
    put_in: int
    out: int
    lost: int
    doubled: int  #: Repeated writes of points.
    wrong: int = 0  #: Pictures with the wrong outcome.
    fetched_again: int | None = None
    """Repeated requests for pictures; None if nobody counts them."""
    recoveries: Sequence[float] = field(default=())
    """Recovery times in seconds; each fault's function defines what they measure."""
    promises: Sequence[Promise] = field(default=())

    @property
    def exact(self) -> bool:
        """Whether every picture has exactly one outcome, the right one, and store and ledger agree."""
        return self.put_in == self.out and self.lost == 0 and self.wrong == 0

    @property
    def kept(self) -> bool:
        """Whether it is exact and every promise was kept."""
        return self.exact and all(promise.kept for promise in self.promises)

    def promising(self, *promises: Promise) -> Tally:
        """Return the same tally with these promises added."""
        return replace(self, promises=(*self.promises, *promises))

    def row(self) -> list[str]:
        """Format it as a table row."""
        worst = f"{max(self.recoveries):.1f}" if self.recoveries else ""
        median = f"{statistics.median(self.recoveries):.1f}" if self.recoveries else ""
        again = "" if self.fetched_again is None else f"{self.fetched_again:,}"
        counts = (self.times, self.put_in, self.out, self.lost, self.wrong, self.doubled)
        promised = "; ".join(map(str, self.promises))
        return [self.fault, *(f"{count:,}" for count in counts), again, median, worst, promised]


def tally(
    rig: Rig,
    job: str,
    fault: str,
    times: int,
    *,
    hosts: Sequence[Host] = (),
    failing: Mapping[str, str] | None = None,
    cancelled: bool = False,
    recoveries: Sequence[float] = (),
    collection: str = COLLECTION,
) -> Tally:
    """Count a finished job; `failing` maps the items that must fail to their reasons."""
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
        fetched_again=sum(host.again() for host in hosts) if hosts else None,
        recoveries=recoveries,
    )


def together(tallies: Sequence[Tally]) -> Tally:
    """Sum the rounds of one fault, each counted separately."""
    return replace(
        tallies[0],
        times=sum(one.times for one in tallies),
        put_in=sum(one.put_in for one in tallies),
        out=sum(one.out for one in tallies),
        lost=sum(one.lost for one in tallies),
        doubled=sum(one.doubled for one in tallies),
        wrong=sum(one.wrong for one in tallies),
        fetched_again=sum(one.fetched_again or 0 for one in tallies),
        recoveries=[seconds for one in tallies for seconds in one.recoveries],
    )


def _differing(failed: Mapping[str, str], wanted: Mapping[str, str]) -> int:
    return sum(failed.get(item) != wanted.get(item) for item in failed.keys() | wanted.keys())


def _missing(status: JobStatus, stored: set[str], wanted: Mapping[str, str]) -> int:
    expected = {f"item-{n}" for n in range(status.images)} - wanted.keys()
    return len(expected ^ stored)
