"""Back-pressure: while too many pictures have no outcome, submitting waits or is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

from vitrine.errors import Full

RETRY_AFTER_SECONDS = 10.0
POLL_SECONDS = 1.0

Waiting: TypeAlias = Callable[[int], None]
"""Told again at each look how many pictures are pending while the submit waits."""


class Pending(Protocol):
    """The part of the ledger that is asked."""

    def pending_images(self) -> int:
        """Pictures of all jobs that have no outcome yet."""


def refuse_when_full(ledger: Pending, limit: int) -> None:
    """Raise `Full` where `limit` pictures or more are pending."""
    pending = ledger.pending_images()
    if pending >= limit:
        raise Full(
            f"{pending} pictures are waiting already; no more than {limit} may.",
            retry_after=RETRY_AFTER_SECONDS,
            hint="Try again later, or start more workers.",
        )


def wait_for_room(
    ledger: Pending,
    limit: int,
    on_wait: Waiting,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once fewer than `limit` pictures are pending."""
    while (pending := ledger.pending_images()) >= limit:
        on_wait(pending)
        sleep(POLL_SECONDS)
