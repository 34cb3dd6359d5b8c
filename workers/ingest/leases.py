"""Renews this process's leases while their chunks are processed, in one thread for all of them."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from vitrine.core.errors import LedgerUnavailable
from vitrine.ledger import Lease, Ledger
from vitrine.telemetry.stage_times import StageTimes
from workers.maintenance.periodic import Periodic

log = logging.getLogger(__name__)


class HeldLease:
    """A lease whose chunk is being processed; once it is `lost`, nothing may be written under it."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.taken_at = time.monotonic()
        self.times = StageTimes()  #: The stages its pictures are in, and the time spent in each.
        self.counts: Counter[str] = Counter()  #: The outcomes recorded under it.
        self._lost = threading.Event()

    def lost(self) -> bool:
        """Return whether another worker may have the chunk now, or its job is being cancelled."""
        return self._lost.is_set()

    def lose(self) -> None:
        """Mark the lease as lost."""
        self._lost.set()


class LeaseKeeper:
    """Renews every held lease three times per lease period."""

    def __init__(self, ledger: Ledger, *, seconds: float) -> None:
        self._ledger = ledger
        self._seconds = seconds
        self._held: dict[str, HeldLease] = {}
        self._lock = threading.Lock()
        self._renewals = Periodic("leases", seconds / 3, self.renew_all)

    def start(self) -> None:
        """Start renewing."""
        self._renewals.start()

    def close(self) -> None:
        """Stop renewing."""
        self._renewals.close()

    def held(self) -> int:
        """Return the number of chunks being processed."""
        with self._lock:
            return len(self._held)

    def oldest_age(self) -> float:
        """Return for how many seconds the oldest chunk has been processed; 0.0 if there is none."""
        with self._lock:
            taken = [held.taken_at for held in self._held.values()]
        return time.monotonic() - min(taken) if taken else 0.0

    def in_stages(self) -> dict[str, dict[str, int]]:
        """Return the number of pictures per job and stage."""
        with self._lock:
            held = list(self._held.values())
        jobs: dict[str, Counter[str]] = {}
        for one in held:
            jobs.setdefault(one.lease.chunk.job, Counter()).update(one.times.inside())
        return {job: dict(stages) for job, stages in jobs.items()}

    @contextmanager
    def holding(self, lease: Lease) -> Iterator[HeldLease]:
        """Renew a lease for the duration of a `with` block."""
        held = HeldLease(lease)
        with self._lock:
            self._held[lease.token] = held
        try:
            yield held
        finally:
            with self._lock:
                del self._held[lease.token]

    def renew_all(self) -> None:
        """Renew each lease once. While the ledger is unreachable, leases stay held and expire by its clock."""
        with self._lock:
            held = list(self._held.values())
        for one in held:
            try:
                if not self._ledger.renew(one.lease, seconds=self._seconds):
                    one.lose()
            except LedgerUnavailable as error:
                log.warning("leases could not be renewed: %s", error)
                return
