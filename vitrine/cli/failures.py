"""`vitrine failures JOB`: which pictures have no vector and which rows were rejected, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vitrine.contracts import Failure, FailureReason, RowProblem

if TYPE_CHECKING:
    from vitrine.ledger.base import Ledger


@click.command()
@click.argument("job")
@click.option("--reason", type=click.Choice([str(reason) for reason in FailureReason]))
@click.option("--host", help="Only pictures of this host.")
@click.option("--csv", "form", flag_value="csv", help="Print the failed pictures as CSV.")
@click.option("--json", "form", flag_value="json", help="Print JSON Lines, one object a failure.")
def failures(job: str, reason: str | None, host: str | None, form: str | None) -> None:
    """List a job's failed pictures and rejected rows.

    All failed pictures are listed, and the first 1,000 rejected rows; with --reason or --host only pictures.
    """
    from vitrine.cli import services

    with services.open_ledger(services.load_settings()) as ledger:
        failed = ledger.failures(job, reason=reason, host=host)
        if form == "csv":
            _print_csv(failed)
        problems = [] if reason or host else ledger.problems(job)
        if form == "json":
            _print_lines(failed, problems)
        elif form is None:
            _print_list(failed, problems)
        if not (reason or host):
            _tell_rest(ledger, job, 0 if form == "csv" else len(problems))


def _print_csv(failed: Iterable[Failure]) -> None:
    from vitrine.failures_csv import failures_csv

    for block in failures_csv(failed):
        click.echo(block, nl=False)


def _print_lines(failed: Iterable[Failure], problems: Iterable[RowProblem]) -> None:
    import orjson

    for problem in problems:
        click.echo(orjson.dumps({"kind": "row", **asdict(problem)}))
    for failure in failed:
        image = failure.image
        record = {
            "kind": "image",
            "item_id": image.item_id,
            "image_index": image.index,
            "url": image.url,
            "reason": str(failure.reason),
            "detail": failure.detail,
            "attempts": failure.attempts,
            "failed_at": failure.failed_at,
        }
        click.echo(orjson.dumps(record))


def _print_list(failed: Iterable[Failure], problems: Iterable[RowProblem]) -> None:
    from vitrine.cli.output import console, plain

    out = console()
    for problem in problems:
        out.print(plain(f"{problem.code}  {problem}"), soft_wrap=True)
    for failure in failed:
        image = failure.image
        line = f"{failure.reason}  {image.item_id} #{image.index}  {image.url}  {failure.detail}"
        out.print(plain(line), soft_wrap=True)


def _tell_rest(ledger: Ledger, job: str, listed_rows: int) -> None:
    from vitrine.cli.output import say

    status = ledger.status(job)
    if status.failed == 0 and status.rejected_rows == 0:
        say("No failures.")
    elif status.rejected_rows > listed_rows:
        say(f"{status.rejected_rows - listed_rows:,} more rejected rows are not listed.")
