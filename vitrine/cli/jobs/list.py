"""`vitrine jobs`: every job the ledger remembers, newest first."""

from __future__ import annotations

import click


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def jobs(limit: int, as_json: bool) -> None:
    """List jobs, newest first.

    What has to be done about those that do not go on is told below the list.
    """
    from vitrine.cli.common import output, services
    from vitrine.cli.jobs.view import job_notice, short_state, status_json, time_ago

    with services.open_ledger(services.load_settings()) as ledger:
        found = ledger.jobs(limit=limit)
    if as_json:
        output.print_json([status_json(status) for status in found])
    elif not found:
        output.say("There are no jobs. Start one: vitrine submit FILE --collection NAME")
    else:
        headings = "job", "state", "collection", "model", "pictures", "embedded", "failed", "began"
        output.print_table(
            headings,
            (
                (
                    job.spec.id,
                    short_state(job.state),
                    job.spec.collection,
                    job.spec.model,
                    job.images,
                    job.embedded,
                    job.failed,
                    time_ago(job.spec.created_at),
                )
                for job in found
            ),
            folding=("collection", "model"),
        )
        for status in found:
            if (told := job_notice(status)) is not None:
                output.say(f"Job {status.spec.id}: {told}")
