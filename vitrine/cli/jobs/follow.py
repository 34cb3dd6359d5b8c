"""Following a job to its end: a progress bar with rate, time left and failures; Ctrl-C leaves the job running.

If the job makes no progress, the likely reason is printed from time to time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from vitrine.cli.commands import EXIT_INTERRUPTED
from vitrine.cli.common.output import error_console, escape_text, say
from vitrine.cli.common.services import no_worker_notice, store_away_notice
from vitrine.cli.jobs.view import index_progress, stalled_submit_notice, state_text
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import JobState, JobStatus
from vitrine.ledger.base import Ledger

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""How long to wait for an unreachable ledger: a restart of Redis does not end a job."""
IDLE_SECONDS = 15.0
"""After this long without change, check whether a worker runs at all, and print it if not."""
REMIND_SECONDS = 30.0
"""How often the reason for a stalled job is printed again."""
FIRST_LINE_SECONDS = 3.0
LINE_SECONDS = 10.0
"""How often a progress line is printed without a terminal."""


def follow(ledger: Ledger, job: str, settings: Settings) -> JobStatus:
    """Return the status once the job is finished; if it stalls, print whether a worker runs at all."""
    try:
        with _Display(error_console(), settings) as display:
            while True:
                status = _patiently(lambda: ledger.status(job))
                display.show(status)
                if status.state.finished:
                    return status
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        say(f"The job keeps running. Follow it with: vitrine status {job} --wait")
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None


def _patiently(ask: Callable[[], JobStatus]) -> JobStatus:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except LedgerUnavailable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL_SECONDS)


class _Display:
    """The progress bar on a terminal, or progress lines without one."""

    def __init__(self, console: Console, settings: Settings) -> None:
        self._console = console
        self._settings = settings
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID = self._progress.add_task("starting", total=None, rate="", failed="")
        self._began = time.monotonic()
        self._line_at = self._began + FIRST_LINE_SECONDS
        self._moved_at = self._began
        self._last = (0, 0, 0)
        self._remind_at = self._began

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._progress.stop()

    def show(self, status: JobStatus) -> None:
        """Draw the current counts."""
        done = status.images - status.pending
        speed = self._progress.tasks[0].speed
        indexing = status.state is JobState.INDEXING
        self._progress.update(
            self._task,
            description=_doing(status, done),
            completed=status.indexed if indexing else done,
            total=_total(status),
            rate=f"{speed:,.0f}/s" if speed and not indexing else "",
            failed=f"{status.failed:,} failed" if status.failed else "",
        )
        self._write_line(status, done)
        self._remind(status, done)

    def _write_line(self, status: JobStatus, done: int) -> None:
        if self._console.is_terminal or time.monotonic() < self._line_at:
            return
        self._line_at = time.monotonic() + LINE_SECONDS
        elapsed = time.monotonic() - self._began
        counts = f"{done:,} of {status.images:,} pictures, {status.failed:,} failed"
        if status.state is JobState.INDEXING:
            counts += f"; {index_progress(status)}"
        say(f"{_doing(status, done)}: {counts} ({elapsed:,.0f} s)")

    def _remind(self, status: JobStatus, done: int) -> None:
        now = time.monotonic()
        counts = (done, status.images, status.indexed)
        working = status.pending or status.state is JobState.INDEXING
        if counts != self._last or not working:
            self._last, self._moved_at = counts, now
        if now < self._remind_at:
            return
        notice = stalled_submit_notice(status)
        if notice is None and working and now - self._moved_at > IDLE_SECONDS:
            notice = no_worker_notice(self._settings, status.spec) or store_away_notice(
                self._settings, status.spec
            )
        if notice is not None:
            self._remind_at = now + REMIND_SECONDS
            self._console.print(escape_text(notice), soft_wrap=True)


def _total(status: JobStatus) -> int | None:
    """Return the bar's total; None while it is unknown."""
    if status.state is JobState.OPEN:
        return None
    return (status.points or None) if status.state is JobState.INDEXING else status.images


def _doing(status: JobStatus, done: int) -> str:
    """Return the state, or "working" before the first outcome: starting a model takes a while."""
    working = status.state is JobState.RUNNING and not done
    return "working" if working else state_text(status.state)
