"""The interface of readers: they yield rows with line numbers, or the reason why a row could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from producer.limits import SAMPLE_CHARS, SAMPLE_ROWS
from producer.row import Row
from producer.row_errors import FileBrokenOff
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What the caller says about a file before its columns are known; None is found."""

    encoding: str | None = None  #: A codec's name, as Python knows it.
    skip: int = 0  #: Lines above the header that are skipped, whatever they hold.
    named: tuple[str, ...] = ()
    """Columns that the caller named: a line that has all of them is the header."""
    row: str | None = None
    """Where the rows are: in XML a path of local names to the element that is one (`channel/item`), in JSON a path of keys to an
    object or an array of objects (`data.items` or `data/items`, `.` for the whole document), in a workbook the sheet's name."""


class Reader(Protocol):
    """An open catalog, not yet validated."""

    @property
    def names(self) -> Sequence[str]:
        """The fields seen."""

    @property
    def notes(self) -> Sequence[str]:
        """What was detected or skipped before the first row, one sentence each, for the report."""

    @property
    def typed(self) -> bool:
        """Whether the values are typed; those of a CSV are all text."""

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every row once, streamed; raise `BadInput` if the file cannot be read any further."""

    def close(self) -> None:
        """Close the file."""


class Noted:
    """A reader of a file about which something is to be reported before the reader's own notes."""

    def __init__(self, reader: Reader, notes: Sequence[str]) -> None:
        self._reader = reader
        self._notes = notes
        self.rows = reader.rows
        self.close = reader.close

    @property
    def names(self) -> Sequence[str]:
        """The fields seen."""
        return self._reader.names

    @property
    def notes(self) -> Sequence[str]:
        """Those of the file, then those of the reader."""
        return (*self._notes, *self._reader.notes)

    @property
    def typed(self) -> bool:
        """Whether the values are typed."""
        return self._reader.typed


def look_ahead(
    rows: Iterator[Row | RejectedRow],
) -> tuple[list[Row], Iterator[Row | RejectedRow]]:
    """Return the first good rows, within the sample's limits, and an iterator that still begins with them.

    If the file breaks off within the sample, the iterator breaks off at the same place.
    """
    ahead: list[Row | RejectedRow] = []
    chars = 0
    try:
        for row in rows:
            ahead.append(row)
            chars += row.size if isinstance(row, Row) else len(row.message)
            if len(ahead) >= SAMPLE_ROWS or chars >= SAMPLE_CHARS:
                break
    except FileBrokenOff as error:
        if not ahead:
            raise
        rows = _breaking(error)
    return [row for row in ahead if isinstance(row, Row)], chain(ahead, rows)


def _breaking(error: FileBrokenOff) -> Iterator[Row | RejectedRow]:
    yield from ()
    raise error


def look_for_names(
    source: str, rows: Iterator[Row | RejectedRow]
) -> tuple[tuple[str, ...], Iterator[Row | RejectedRow]]:
    """Return the field names of the first rows, in order of appearance, for formats in which each row names its fields."""
    sample, rows = look_ahead(rows)
    if not sample:
        first = next(rows, None)
        raise BadInput(
            f"No row can be read; the first problem: {first}."
            if isinstance(first, RejectedRow)
            else f"{source} holds no rows."
        )
    return tuple(dict.fromkeys(name for row in sample for name in row.values)), rows
