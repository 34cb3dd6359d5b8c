"""How far a collection is read, and its pictures compared."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vitrine.cli.common.output import error_console

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
