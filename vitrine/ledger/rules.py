"""Rules shared by all ledgers: which failures match a filter, which pictures stay in a chunk, the errors about a job."""

from __future__ import annotations

from collections.abc import Sequence

from vitrine.core.errors import LedgerUnavailable, NotFound
from vitrine.core.hints import Hint
from vitrine.core.types import Failure, ImageRef
from vitrine.ledger.base import Deferral, Lease


def missing_job(job: str) -> NotFound:
    """Return the error for a job that is not in the ledger."""
    return NotFound(
        f"There is no job {job}.",
        hint=Hint(
            "List the known jobs: {list_jobs}. Finished jobs are deleted after a few days. If the job had not finished, "
            "Redis has lost its data: submit the catalog again; nothing is stored twice."
        ),
    )


def diverged_job(job: str) -> LedgerUnavailable:
    """Return the error for a producer whose last write is not the job's last."""
    return LedgerUnavailable(
        f"The last write to job {job} is missing: another command is adding to the job, or Redis restarted "
        "without its last second of data.",
        hint=Hint("See its progress: {show_job}", {"job": job}),
    )


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


def remaining_images(
    lease: Lease,
    *,
    embedded: Sequence[int],
    failures: Sequence[Failure],
    deferrals: Sequence[Deferral],
) -> tuple[tuple[ImageRef, ...], float | None]:
    """Return the pictures without an outcome and when they are due (unix seconds; None for immediately).

    Deferred pictures are taken from their deferral, where their `rounds` is one higher. The latest due time applies to
    all of them: every host's Retry-After is respected, and the chunk is sent only once.
    """
    settled = {*embedded, *(failure.image.ordinal for failure in failures)}
    later = {deferral.image.ordinal: deferral.image for deferral in deferrals}
    images = tuple(
        later.get(image.ordinal, image)
        for image in lease.chunk.images
        if image.ordinal not in settled
    )
    return images, max((deferral.due for deferral in deferrals), default=None)
