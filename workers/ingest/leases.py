"""Keeps this process's leases alive while their chunks are in work, in one thread for all of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vitrine.errors import LedgerUnavailable
from vitrine.ledger import Lease, Ledger
from workers.periodic import Periodic

log = logging.getLogger(__name__)


class HeldLease:
    """A lease while its chunk is in work; `lost` says that it must not be written under any more."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
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
