"""What is told of a job that is not, or not as who asks believes."""

from __future__ import annotations

from vitrine.core.errors import LedgerUnavailable, NotFound
from vitrine.core.hints import Hint


def missing_job(job: str) -> NotFound:
    """The error for a job that is not in the ledger."""
    return NotFound(
        f"There is no job {job}.",
        hint=Hint(
            "List the known jobs: {list_jobs}. Finished jobs are deleted after a few days. If the job had not finished, "
            "Redis has lost its data: submit the catalog again; nothing is stored twice."
        ),
    )


def diverged_job(job: str) -> LedgerUnavailable:
    """The error for a producer whose last write is not the job's last."""
    return LedgerUnavailable(
        f"What was written last to job {job} is not there: another command adds to it, or Redis came back "
        "without its last second.",
        hint=Hint("See how far it is: {show_job}", {"job": job}),
    )
