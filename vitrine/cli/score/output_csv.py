"""The CSV with scores: the original rows with three more columns, in place only once it is complete."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from vitrine.cli.score.client import ScoredPair
from vitrine.core.errors import BadInput

ADDED = ("clip_score", "probability", "score_error")


def default_output(path: Path) -> Path:
    """Return `{name}_with_scores.csv` in the file's folder."""
    from producer.packed import PACKED_SUFFIXES

    packed = next((suffix for suffix in PACKED_SUFFIXES if path.name.endswith(suffix)), "")
    name = path.name.removesuffix(packed)
    return path.with_name(f"{os.path.splitext(name)[0]}_with_scores.csv")


class ScoredFile:
    """Writes rows to a temporary file, which is renamed at the end; a context manager."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        """Open the temporary file; raises `BadInput` if one of the added columns exists already or writing fails."""
        there = [name for name in ADDED if name in names]
        if there:
            raise BadInput(
                f"The file already has a column {there[0]!r}.",
                hint="Score the file that it was made from, or rename the column.",
            )
        self.path = path
        self._names = tuple(names)
        self._unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        self._file: IO[str]
        try:
            self._file = self._unfinished.open(
                "w", encoding="utf-8", errors="backslashreplace", newline=""
            )
        except OSError as error:
            raise _unwritable(path, error) from error
        self._rows = csv.writer(self._file)
        self._rows.writerow([*self._names, *ADDED])

    def add(self, scored: ScoredPair) -> None:
        """Write a row."""
        numbers = (_shown(number) for number in (scored.clip_score, scored.probability))
        cells = [scored.pair.cells.get(name, "") for name in self._names]
        self._rows.writerow([*cells, *numbers, scored.error or ""])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
            if kind is None:
                self._unfinished.replace(self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        finally:
            with suppress(OSError):
                self._unfinished.unlink()


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"


def _unwritable(path: Path, error: OSError) -> BadInput:
    return BadInput(f"The file {str(path)!r} cannot be written: {error.strerror}.")
