"""Output of a job's counts for people and programs, and the exit code for them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vitrine.cli.common.output import console, escape_text
from vitrine.core.broken_off import broken_off_notice
from vitrine.core.errors import EXIT_FINISHED_WITH_FAILURES, EXIT_OK
from vitrine.core.types import JobSpec, JobState, JobStatus
from vitrine.ledger.journal import lost_job_notice

UNFED_SECONDS = 60.0
"""An open job without additions for this long may have lost its producer; a producer waiting for space looks the same."""


def status_json(status: JobStatus) -> dict[str, Any]:
    """Return one job as JSON; times are unix seconds."""
    spec = status.spec
    return {
        "job": spec.id,
        "state": str(status.state),
        "collection": spec.collection,
        "model": spec.model,
        "source": spec.source,
        "items": status.items,
        "images": status.images,
        "embedded": status.embedded,
        "failed": status.failed,
        "cancelled": status.cancelled,
        "pending": status.pending,
        "indexed_points": status.indexed,
        "points": status.points,
        "rejected_rows": status.rejected_rows,
        "rejected_by_code": dict(status.rejected_by_code),
        "broken_off": None if status.broken_off is None else asdict(status.broken_off),
        "failed_by_reason": dict(status.failed_by_reason),
        "created_at": spec.created_at,
        "fed_at": status.fed_at,
        "updated_at": status.updated_at,
        "finished_at": status.finished_at,
        "notice": job_notice(status),
    }


def print_status(status: JobStatus, *, took: float | None = None) -> None:
    """Print one job; `took` is the time in seconds that this command measured from the job's first row to its end.

    Without it no rate is printed, because the times in the ledger include the time before a retry.
    """
    spec, out = status.spec, console()
    out.print(escape_text(f"Job {spec.id}: {state_text(status.state)}"), style="bold")
    out.print(
        escape_text(f"  {spec.source} -> collection {spec.collection}, model {spec.model}"),
        soft_wrap=True,
    )
    if status.state is not JobState.LOST:
        out.print(
            escape_text(f"  items {status.items:,}, pictures {status.images:,}: {_counts(status)}")
        )
    if status.state is JobState.INDEXING:
        out.print(escape_text(f"  {index_progress(status)}"), soft_wrap=True)
    if status.failed_by_reason:
        out.print(escape_text(f"  failed: {by_count(status.failed_by_reason)}"))
    _print_rejected(status)
    if status.failed or status.rejected_rows:
        out.print(escape_text(f"  See them: vitrine failures {spec.id}"))
    _print_times(status, took)


def _print_rejected(status: JobStatus) -> None:
    if status.rejected_rows:
        codes = f": {by_count(status.rejected_by_code)}" if status.rejected_by_code else ""
        told = f"  rejected rows {status.rejected_rows:,}{codes}"
        console().print(escape_text(told), soft_wrap=True)
    if status.broken_off is not None:
        told = f"  {broken_off_notice(status.broken_off)}"
        console().print(escape_text(told), soft_wrap=True)


def _print_times(status: JobStatus, took: float | None) -> None:
    told = job_notice(status)
    if told is not None:
        console().print(escape_text(f"  {told}"), soft_wrap=True)
    if status.finished_at is None:
        return
    if took is None:
        console().print(escape_text(f"  finished {time_ago(status.finished_at)}"))
        return
    rate = f", {status.embedded / took:,.1f} pictures per second" if status.embedded else ""
    console().print(escape_text(f"  {took:,.1f} s{rate}"))


def job_notice(status: JobStatus) -> str | None:
    """Return what the user has to do about the job; None if nothing."""
    return (
        lost_job_notice(status.spec)
        if status.state is JobState.LOST
        else stalled_submit_notice(status)
    )


def stalled_submit_notice(status: JobStatus) -> str | None:
    """Return the notice for an open job whose producer has not added to it for a while; None for any other."""
    if status.state is not JobState.OPEN or time.time() - status.fed_at < UNFED_SECONDS:
        return None
    return f"still open: its producer last added pictures {time_ago(status.fed_at)}; if it has stopped, {resume_command(status.spec)}"


def resume_command(spec: JobSpec) -> str:
    """Return the command that completes a job whose producer stopped midway."""
    if spec.reading:
        file = "-" if spec.source == "stdin" else shlex.quote(spec.source)
        return f"continue with: vitrine submit {file} --resume {spec.id} (or cancel it: vitrine cancel {spec.id})"
    return f"run vitrine cancel {spec.id} and submit again (items already stored are overwritten, not duplicated)"


def index_progress(status: JobStatus) -> str:
    """Describe the progress of the index of an `indexing` job's collection."""
    if not status.points:
        return "waiting for its collection's index"
    return f"its collection's index holds {status.indexed:,} of {status.points:,} points"


def state_text(state: JobState) -> str:
    """Return a state as readable text."""
    return str(state).replace("_", " ")


def short_state(state: JobState) -> str:
    """Return a state in one word, for a table with a separate column of failed pictures."""
    return "completed" if state is JobState.COMPLETED_WITH_FAILURES else state_text(state)


def by_count(counts: Mapping[str, int]) -> str:
    """Format counts as `not_found 3, timeout 1`, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered)


def time_ago(moment: float) -> str:
    """Return roughly how long ago a unix time was."""
    seconds = max(0.0, time.time() - moment)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def exit_code(status: JobStatus) -> int:
    """Return 3 for a failed picture, a rejected row, a cancelled or a lost job; otherwise 0."""
    ended = JobState.CANCELLING, JobState.CANCELLED, JobState.LOST
    wrong = status.failed or status.rejected_rows or status.state in ended
    return EXIT_FINISHED_WITH_FAILURES if wrong else EXIT_OK


def _counts(status: JobStatus) -> str:
    parts = {
        "embedded": status.embedded,
        "failed": status.failed,
        "cancelled": status.cancelled,
        "pending": status.pending,
    }
    shown = [f"{count:,} {name}" for name, count in parts.items() if count or name == "embedded"]
    return ", ".join(shown)
