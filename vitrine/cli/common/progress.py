"""Progress lines and bars of commands, drawn where there is a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from producer import CatalogReport
from vitrine.cli.common.output import error_console, escape_text
from vitrine.core.types import RejectedRow

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


SHOWN = 20
"""Rows that cannot be read are named up to so many."""


class ScoreProgress:
    """A line that is drawn where there is a terminal; a context manager."""

    def __init__(self) -> None:
        self._console = error_console()
        self._named = 0
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._progress.add_task("reading", total=None)

    def __enter__(self) -> ScoreProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def problems(self, found: Sequence[RejectedRow]) -> None:
        """Name rows that could not be read."""
        for problem in found[: max(0, SHOWN - self._named)]:
            self._console.print(escape_text(problem), soft_wrap=True)
        self._named += len(found)

    def show(self, scored: int, failed: int) -> None:
        """Draw the counts."""
        lost = f", {failed:,} failed" if failed else ""
        self._progress.update(self._task, description=f"{scored:,} scored{lost}")

    def compared(self, way: str, round_number: int) -> None:
        """Draw how far the comparison is."""
        self._progress.update(
            self._task, description=f"comparing, round {round_number}: {way} requests"
        )


_STEPS = {"read": "reading vectors", "compared": "comparing"}


class ComparingProgress:
    """A bar for each step, drawn where there is a terminal; a context manager."""

    def __init__(self) -> None:
        console = error_console()
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._tasks = {
            step: self._progress.add_task(told, total=None) for step, told in _STEPS.items()
        }

    def __enter__(self) -> ComparingProgress:
        self._progress.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._progress.stop()

    def expect(self, pictures: int) -> None:
        """So many pictures go through each step; copies of equal bytes are compared once."""
        for task in self._tasks.values():
            self._progress.update(task, total=pictures)

    def advance(self, step: str, more: int) -> None:
        """So many more are through a step."""
        self._progress.advance(self._tasks[step], more)
