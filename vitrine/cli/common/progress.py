"""Progress lines and bars of commands, drawn only on a terminal."""

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
"""How often a waiting submit checks again what blocks it; it prints the reason if it changed."""


class RowProgress:
    """A progress line for catalog rows, drawn only on a terminal; a context manager.

    `blocks` takes the number of pending pictures and returns what the submit waits for.
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
        self._draw(f"{report.rows:,} rows{rejected}, {speed:,.0f} per second")
        self._told, self._look_at = None, 0.0

    def wait(self, pending: int) -> None:
        """Print that the queue is full and what blocks it, and again when the reason changes."""
        self._draw(f"waiting, {pending:,} pending")
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        text = (
            f"{pending:,} pictures are pending" if self._blocks is None else self._blocks(pending)
        )
        if text != self._told:
            self._told = text
            # Through the progress's console, which keeps the progress line below the printed text.
            self._console.print(escape_text(f"waiting: {text}"), soft_wrap=True)

    def _draw(self, text: str) -> None:
        self._progress.update(self._task, description=text)


SHOWN = 20
"""Maximum number of unreadable rows to print."""


class ScoreProgress:
    """A progress line for scored pairs, drawn only on a terminal; a context manager."""

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
        """Print rows that could not be read."""
        for problem in found[: max(0, SHOWN - self._named)]:
            self._console.print(escape_text(problem), soft_wrap=True)
        self._named += len(found)

    def show(self, scored: int, failed: int) -> None:
        """Draw the counts."""
        lost = f", {failed:,} failed" if failed else ""
        self._progress.update(self._task, description=f"{scored:,} scored{lost}")

    def compared(self, way: str, round_number: int) -> None:
        """Draw the progress of the comparison."""
        self._progress.update(
            self._task, description=f"comparing, round {round_number}: {way} requests"
        )


_STEPS = {"read": "reading vectors", "compared": "comparing"}


class ComparingProgress:
    """A progress bar for each step, drawn only on a terminal; a context manager."""

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
        """Set the total of each step to this many pictures; copies of equal bytes are compared once."""
        for task in self._tasks.values():
            self._progress.update(task, total=pictures)

    def advance(self, step: str, more: int) -> None:
        """Advance a step by this many pictures."""
        self._progress.advance(self._tasks[step], more)
