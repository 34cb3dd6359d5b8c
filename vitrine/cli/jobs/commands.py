"""`vitrine jobs`, `status`, `cancel` and `retry`, and their JOB argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vitrine.cli.common.completion import complete_jobs
from vitrine.core.errors import Conflict
from vitrine.core.types import FailureReason


def check_job_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return a job's id unchanged; refuses blanks."""
    if value is not None and not value.strip():
        raise click.BadParameter(f"expected a job's id, found {value!r}; vitrine jobs lists them.")
    return value


job_argument = click.argument("job", callback=check_job_id, shell_complete=complete_jobs)


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def jobs(limit: int, as_json: bool) -> None:
    """List jobs, newest first.

    Jobs that are stuck are listed below with what to do.
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


@click.command()
@job_argument
@click.option("--wait", is_flag=True, help="Wait until the job is finished.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def status(ctx: click.Context, job: str, wait: bool, as_json: bool) -> None:
    """Show a job's progress.

    The exit code is 3 if a picture failed or a row was rejected, and for a cancelled or lost job; otherwise 0.
    """
    from vitrine.cli.common import output, services
    from vitrine.cli.common.services import store_away_notice
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


if TYPE_CHECKING:
    from vitrine.core.types import JobState
    from vitrine.ledger.base import Ledger


@click.command()
@job_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cancel(job: str, as_json: bool) -> None:
    """Stop a job.

    Running chunks stop at their next step. Pictures already embedded stay in the collection.
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


@click.command()
@job_argument
@click.option("--reason", type=click.Choice([str(reason) for reason in FailureReason]))
@click.option("--host", help="Only pictures of this host.")
@click.option("--item", "items", multiple=True, help="Only this item; may be repeated.")
@click.option("--wait", is_flag=True, help="Wait until the job is finished.")
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
    """Retry a job's failures.

    With --wait the exit code is that of the finished job: 3 if a picture failed or a row was rejected.
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
        return "No failed picture matches, so nothing is retried."
    return f"Retrying {counted(again, 'picture')}."
