"""Keeps this process's leases alive while their chunks are in work, in one thread for all of them."""

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
    """A lease while its chunk is in work; `lost` says that it must not be written under any more."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.taken_at = time.monotonic()
        self.times = StageTimes()  #: Where its pictures are, and were.
        self.counts: Counter[str] = Counter()  #: What was recorded under it.
        self._lost = threading.Event()

    def lost(self) -> bool:
        """Whether somebody else may have the chunk now, or its job is being cancelled."""
        return self._lost.is_set()

    def lose(self) -> None:
        """Note that it is gone."""
        self._lost.set()


class LeaseKeeper:
    """Renews every held lease three times a term."""

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
        """Chunks being processed."""
        with self._lock:
            return len(self._held)

    def oldest_age(self) -> float:
        """Seconds for which the oldest chunk has been in work; 0.0 without any."""
        with self._lock:
            taken = [held.taken_at for held in self._held.values()]
        return time.monotonic() - min(taken) if taken else 0.0

    def in_stages(self) -> dict[str, dict[str, int]]:
        """How many pictures of each job are in which stage now."""
        with self._lock:
            held = list(self._held.values())
        jobs: dict[str, Counter[str]] = {}
        for one in held:
            jobs.setdefault(one.lease.chunk.job, Counter()).update(one.times.inside())
        return {job: dict(stages) for job, stages in jobs.items()}

    @contextmanager
    def holding(self, lease: Lease) -> Iterator[HeldLease]:
        """Keep a lease alive for the length of a `with` block."""
        held = HeldLease(lease)
        with self._lock:
            self._held[lease.token] = held
        try:
            yield held
        finally:
            with self._lock:
                del self._held[lease.token]

    def renew_all(self) -> None:
        """Renew each lease once; while the ledger is away they stay held, and expire by its clock."""
        with self._lock:
            held = list(self._held.values())
        for one in held:
            try:
                if not self._ledger.renew(one.lease, seconds=self._seconds):
                    one.lose()
            except LedgerUnavailable as error:
                log.warning("leases could not be renewed: %s", error)
                return
