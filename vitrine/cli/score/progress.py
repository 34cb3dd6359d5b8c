"""How far a file of pairs is scored."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from vitrine.cli.common.output import error_console, escape_text
from vitrine.cli.score.tally import ScoreTally
from vitrine.core.types import RowProblem

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

    def problems(self, found: Sequence[RowProblem]) -> None:
        """Name rows that could not be read."""
        for problem in found[: max(0, SHOWN - self._named)]:
            self._console.print(escape_text(problem), soft_wrap=True)
        self._named += len(found)

    def show(self, tally: ScoreTally) -> None:
        """Draw the counts."""
        failed = f", {tally.failed:,} failed" if tally.failed else ""
        self._progress.update(self._task, description=f"{tally.scored:,} scored{failed}")

    def compared(self, way: str, round_number: int) -> None:
        """Draw how far the comparison is."""
        self._progress.update(
            self._task, description=f"comparing, round {round_number}: {way} requests"
        )
