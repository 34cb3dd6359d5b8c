"""`vitrine cancel JOB`: no further chunk starts; what is embedded stays."""

from __future__ import annotations

import click


@click.command()
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cancel(job: str, as_json: bool) -> None:
    """Stop a job.

    Chunks in work are left at their next step; pictures that are embedded stay in the collection.
    """
    from vitrine.cli import output, services
    from vitrine.cli.job_view import status_json, words

    with services.open_ledger(services.load_settings()) as ledger:
        state = ledger.cancel(job)
        found = ledger.status(job)
    if as_json:
        output.print_json(status_json(found))
    else:
        output.say(f"Job {job} is {words(state)}.")
