"""Rows counted while a catalog is read, and what the submit waits for when the queue is full."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from producer import CatalogReport
from vitrine.cli.common.output import error_console, escape_text

LOOK_AGAIN_SECONDS = 30.0
"""How often a waiting submit looks again for what blocks, and says so where it changed."""


class RowProgress:
    """A line that is drawn where there is a terminal; a context manager.

    `blocks` says, from the number of pending pictures, what the submit waits for.
    """

    def __init__(self, blocks: Callable[[int], str] | None = None) -> None:
        self._console = error_console()
        self._blocks = blocks
        self._told: str | None = None
        self._look_at = 0.0
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("reading", total=None)

    def __enter__(self) -> RowProgress:
        self._progress.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._progress.stop()

    def show(self, report: CatalogReport) -> None:
        """Draw the counts."""
        speed = report.rows / max(self._progress.tasks[0].elapsed or 0.0, 0.001)
        rejected = f", {report.rejected_rows:,} rejected" if report.rejected_rows else ""
        self._draw(f"{report.rows:,} rows{rejected}, {speed:,.0f} a second")
        self._told, self._look_at = None, 0.0

    def wait(self, pending: int) -> None:
        """Say that the queue is full and what blocks it, and again when that has changed."""
        self._draw(f"waiting, {pending:,} pending")
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        text = (
            f"{pending:,} pictures are pending" if self._blocks is None else self._blocks(pending)
        )
        if text != self._told:
            self._told = text
            # Through the progress' own console, which keeps its line below what is printed.
            self._console.print(escape_text(f"waiting: {text}"), soft_wrap=True)

    def _draw(self, text: str) -> None:
        self._progress.update(self._task, description=text)
