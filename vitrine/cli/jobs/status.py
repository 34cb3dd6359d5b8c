"""`vitrine status JOB`: the counts of one job, once or until it is finished."""

from __future__ import annotations

import click

from vitrine.cli.jobs.argument import job_argument


@click.command()
@job_argument
@click.option("--wait", is_flag=True, help="Stay until the job is finished.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def status(ctx: click.Context, job: str, wait: bool, as_json: bool) -> None:
    """Show how far a job is.

    The exit code is 3 once anything of the job failed, and for a cancelled or lost job; else 0.
    """
    from vitrine.cli.common import output, services
    from vitrine.cli.common.worker_check import store_away_notice
    from vitrine.cli.jobs.follow import follow
    from vitrine.cli.jobs.view import exit_code, print_status, status_json

    settings = services.load_settings()
    with services.open_ledger(settings) as ledger:
        found = ledger.status(job)
        if wait:
            found = follow(ledger, job, settings)
    if as_json:
        output.print_json(status_json(found))
    else:
        print_status(found)
        notice = None if found.state.finished else store_away_notice(settings, found.spec)
        if notice is not None:
            output.say(notice)
    ctx.exit(exit_code(found))
