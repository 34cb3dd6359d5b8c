"""A job watched to its end: a progress bar with rate, time left and failures; Ctrl-C leaves the job running."""

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
    TimeRemainingColumn,
)

from vitrine.cli import services
from vitrine.cli.group import EXIT_INTERRUPTED
from vitrine.cli.output import errors, say
from vitrine.contracts import JobState, JobStatus
from vitrine.errors import LedgerUnavailable, VitrineError
from vitrine.ledger.base import Ledger
from vitrine.settings import Settings

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""A ledger that is gone for less is waited for: Redis being restarted does not end a job."""
IDLE_SECONDS = 15.0
"""Without any change for so long, the person is told whether a worker runs at all."""
LINE_SECONDS = 10.0
"""How often a line is written where there is no terminal to draw a bar on."""


def follow(ledger: Ledger, job: str, settings: Settings) -> JobStatus:
    """Return the status once the job is finished; after a standstill say whether a worker runs at all."""
    try:
        with _Display(errors(), settings) as display:
            while True:
                status = _patiently(lambda: ledger.status(job))
                display.show(status)
                if status.state.finished:
                    return status
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        say(f"The job goes on. Follow it with: vitrine status {job} --wait")
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
    """What is drawn, or written line by line where there is no terminal."""

    def __init__(self, console: Console, settings: Settings) -> None:
        self._console = console
        self._settings = settings
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID = self._progress.add_task("starting", total=None, rate="", failed="")
        self._line_at = time.monotonic() + LINE_SECONDS
        self._moved_at = time.monotonic()
        self._last = (0, 0)
        self._warned = False

    def __enter__(self) -> _Display:
        self._progress.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._progress.stop()

    def show(self, status: JobStatus) -> None:
        """Draw the counts as they are."""
        done = status.images - status.pending
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task,
            description=str(status.state).replace("_", " "),
            completed=done,
            total=None if status.state is JobState.OPEN else status.images,
            rate=f"{speed:,.0f}/s" if speed else "",
            failed=f"{status.failed:,} failed" if status.failed else "",
        )
        self._write_line(status, done)
        self._warn_when_idle(status, done)

    def _write_line(self, status: JobStatus, done: int) -> None:
        if self._console.is_terminal or time.monotonic() < self._line_at:
            return
        self._line_at = time.monotonic() + LINE_SECONDS
        say(f"{done:,} of {status.images:,} pictures, {status.failed:,} failed")

    def _warn_when_idle(self, status: JobStatus, done: int) -> None:
        now = time.monotonic()
        if (done, status.images) != self._last or not status.pending:
            self._last, self._moved_at = (done, status.images), now
        elif not self._warned and now - self._moved_at > IDLE_SECONDS:
            self._warned = True
            self._warn(status.spec.model)

    def _warn(self, model: str) -> None:
        try:
            workers = services.count_workers(self._settings, model)
        except VitrineError:
            return  # a ledger that is away is told by the next look at it
        if workers == 0:
            self._console.print(
                f"No worker of the model {model} is alive; start one: vitrine worker --model {model}",
                markup=False,
            )
