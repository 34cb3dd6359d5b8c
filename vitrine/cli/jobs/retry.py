"""`vitrine retry JOB`: a job's failures once more, all or those of one reason or host."""

from __future__ import annotations

import click

from vitrine.cli.jobs.argument import job_argument
from vitrine.core.types import FailureReason


@click.command()
@job_argument
@click.option("--reason", type=click.Choice([str(reason) for reason in FailureReason]))
@click.option("--host", help="Only pictures of this host.")
@click.option("--item", "items", multiple=True, help="Only this item; may be repeated.")
@click.option("--wait", is_flag=True, help="Stay until the job is finished.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    *,
    job: str,
    reason: str | None,
    host: str | None,
    items: tuple[str, ...],
    wait: bool,
    as_json: bool,
) -> None:
    """Try a job's failures again.

    With --wait the exit code is that of the finished job: 3 where anything of it failed.
    """
    from producer import retry_failures
    from vitrine.cli.common import output, services
    from vitrine.cli.jobs.follow import follow
    from vitrine.cli.jobs.view import exit_code, print_status, status_json

    settings = services.load_settings()
    with services.open_ledger_and_publisher(settings) as (ledger, publisher):
        again = retry_failures(
            ledger,
            publisher.publish,
            job,
            reason=reason,
            host=host,
            items=frozenset(items) or None,
        )
        output.say(_told(again))
        found = ledger.status(job)
        if wait:
            found = follow(ledger, job, settings)
    if as_json:
        output.print_json({"retried": again, **status_json(found)})
    elif wait:
        print_status(found)
    ctx.exit(exit_code(found) if wait else 0)


def _told(again: int) -> str:
    from vitrine.cli.common.output import counted

    if again == 0:
        return "No failed picture matches, so nothing is tried again."
    return f"{counted(again, 'picture')} {'is' if again == 1 else 'are'} tried again."
