"""Which failures are meant: one predicate for listing and for retrying."""

from __future__ import annotations

from vitrine.core.types import Failure


def failure_matches(
    failure: Failure,
    *,
    reason: str | None = None,
    host: str | None = None,
    items: frozenset[str] | None = None,
) -> bool:
    """Whether a failure has the reason, the host and one of the item ids; None means any."""
    return (
        (reason is None or failure.reason == reason)
        and (host is None or failure.image.host == host.lower())
        and (items is None or failure.image.item_id in items)
    )
