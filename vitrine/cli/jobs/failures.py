"""`vitrine failures JOB`: the pictures without a vector and the rejected rows, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vitrine.cli.jobs.commands import job_argument
from vitrine.core.types import Failure, FailureReason, RejectedRow

if TYPE_CHECKING:
    from vitrine.ledger.base import Ledger


@click.command()
@job_argument
@click.option("--reason", type=click.Choice([str(reason) for reason in FailureReason]))
@click.option("--host", help="Only pictures of this host.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the failed pictures as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one object per failure.")
def failures(job: str, reason: str | None, host: str | None, as_csv: bool, as_json: bool) -> None:
    """List a job's failed pictures and rejected rows.

    Lists all failed pictures and the first 1,000 rejected rows; with --reason, --host or --csv, only pictures.
    """
    from vitrine.cli.common import services

    if as_csv and as_json:
        raise click.UsageError("Give one of --csv and --json.")
    only_pictures = bool(reason or host or as_csv)
    with services.open_ledger(services.load_settings()) as ledger:
        failed = FailureCounter(ledger.failures(job, reason=reason, host=host))
        problems = [] if only_pictures else ledger.problems(job)
        if as_csv:
            _print_csv(failed)
        elif as_json:
            _print_lines(failed, problems)
        else:
            _print_list(failed, problems)
        if only_pictures:
            _tell_none(failed.count, filtered=bool(reason or host))
        else:
            _tell_rest(ledger, job, len(problems))


class FailureCounter:
    """A stream of failures that counts them."""

    def __init__(self, failed: Iterable[Failure]) -> None:
        self._failed = failed
        self.count = 0

    def __iter__(self) -> Iterator[Failure]:
        for failure in self._failed:
            self.count += 1
            yield failure


def _print_csv(failed: Iterable[Failure]) -> None:
    from vitrine.core.failures_csv import failures_csv

    for block in failures_csv(failed):
        click.echo(block, nl=False)


def _print_lines(failed: Iterable[Failure], problems: Iterable[RejectedRow]) -> None:
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


def _print_list(failed: Iterable[Failure], problems: Iterable[RejectedRow]) -> None:
    from vitrine.cli.common.output import console, escape_text

    out = console()
    for problem in problems:
        out.print(escape_text(f"{problem.code}  {problem}"), soft_wrap=True)
    for failure in failed:
        image = failure.image
        line = f"{failure.reason}  {image.item_id} #{image.index}  {image.url}  {failure.detail}"
        out.print(escape_text(line), soft_wrap=True)


def _tell_none(count: int, *, filtered: bool) -> None:
    from vitrine.cli.common.output import say

    if count == 0:
        say("No failed picture matches." if filtered else "No failed pictures.")


def _tell_rest(ledger: Ledger, job: str, listed_rows: int) -> None:
    from vitrine.cli.common.output import counted, say

    status = ledger.status(job)
    if status.failed == 0 and status.rejected_rows == 0:
        say("No failures.")
    elif status.rejected_rows > listed_rows:
        unlisted = status.rejected_rows - listed_rows
        verb = "is" if unlisted == 1 else "are"
        say(f"{counted(unlisted, 'more rejected row')} {verb} not listed.")
