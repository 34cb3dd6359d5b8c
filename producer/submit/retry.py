"""Retry of a job's failures: the ledger puts them into new chunks, and each chunk gets its message."""

from __future__ import annotations

from producer.submit.submission import Publish
from vitrine.ledger.base import Ledger


def retry_failures(
    ledger: Ledger,
    publish: Publish,
    job: str,
    *,
    reason: str | None = None,
    host: str | None = None,
    items: frozenset[str] | None = None,
) -> int:
    """Retry the matching failures and return the number of pictures.

    Raises `NotFound`, and `Conflict` for a job that is open, cancelling or cancelled.
    """
    before = ledger.status(job)
    numbers = ledger.retry(job, reason=reason, host=host, items=items)
    after = ledger.status(job)
    publish(job, numbers, before.spec.model)
    return max(0, before.failed - after.failed)
