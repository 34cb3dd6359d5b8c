"""What is told of a job that is not, or not as who asks believes."""

from __future__ import annotations

from vitrine.core.errors import LedgerUnavailable, NotFound


def missing_job(job: str) -> NotFound:
    """The error for a job that is not in the ledger."""
    return NotFound(
        f"There is no job {job}.",
        hint="`vitrine jobs` lists those there are. A finished job is forgotten after some days; one that was not "
        "finished is gone only where Redis lost its data: submit it again then, the same item meets the same point.",
    )


def parted_job(job: str) -> LedgerUnavailable:
    """The error for a producer whose last write is not the job's last."""
    return LedgerUnavailable(
        f"What was written last to job {job} is not there: another command adds to it, or Redis came back "
        "without its last second.",
        hint=f"See how it stands: vitrine status {job}",
    )
