"""`vitrine cancel JOB`: no further chunk starts; what is embedded stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vitrine.cli.jobs.argument import job_argument
from vitrine.core.errors import Conflict

if TYPE_CHECKING:
    from vitrine.core.types import JobState
    from vitrine.ledger.base import Ledger


@click.command()
@job_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cancel(job: str, as_json: bool) -> None:
    """Stop a job.

    Chunks in work are left at their next step; pictures that are embedded stay in the collection.
    """
    from vitrine.cli.common import output, services
    from vitrine.cli.jobs.view import state_text, status_json

    with services.open_ledger(services.load_settings()) as ledger:
        state = _cancelled(ledger, job)
        found = ledger.status(job)
    if as_json:
        output.print_json(status_json(found))
    else:
        output.say(f"Job {job} is {state_text(state)}.")


def _cancelled(ledger: Ledger, job: str) -> JobState:
    from vitrine.cli.jobs.view import state_text

    try:
        return ledger.cancel(job)
    except Conflict as error:
        state = ledger.status(job).state
        raise Conflict(
            f"Job {job} is {state_text(state)} already; there is nothing to cancel."
        ) from error
