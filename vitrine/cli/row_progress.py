"""Rows counted while a catalog is read, and what the submit waits for when the queue is full."""

from __future__ import annotations

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from producer import Report
from vitrine.cli.output import errors, say


class RowProgress:
    """A line that is drawn where there is a terminal; a context manager."""

    def __init__(self) -> None:
        console = errors()
        self._terminal = console.is_terminal
        self._told = False
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._terminal,
        )
        self._task = self._progress.add_task("reading", total=None)

    def __enter__(self) -> RowProgress:
        self._progress.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._progress.stop()

    def show(self, report: Report) -> None:
        """Draw the counts."""
        speed = report.rows / max(self._progress.tasks[0].elapsed or 0.0, 0.001)
        rejected = f", {report.rejected_rows:,} rejected" if report.rejected_rows else ""
        self._draw(f"{report.rows:,} rows{rejected}, {speed:,.0f} a second")
        self._told = False

    def wait(self, pending: int) -> None:
        """Say that the queue is full; where there is no terminal, once for each time it fills."""
        text = f"waiting for {pending:,} pending pictures before sending more"
        self._draw(text)
        if not self._terminal and not self._told:
            say(text)
        self._told = True

    def _draw(self, text: str) -> None:
        self._progress.update(self._task, description=text)
