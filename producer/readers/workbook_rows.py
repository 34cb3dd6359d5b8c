"""Workbooks (Excel, OpenDocument): the rows of one sheet, which a separate process decodes within a memory limit.

Which sheet: `producer.readers.workbook.sheet`. Values are typed: a text stays a text (`00123`), whole numbers are ints, dates are
dates, an error such as `#REF!` is nothing. A row's line is its number on the sheet; blank rows are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from producer.decompression_limit import DecompressionLimitExceeded
from producer.packed.streams import READ_ERRORS
from producer.readers.base import ReadingOptions
from producer.readers.decoder_process import as_file
from producer.readers.header import distinct_names, renamed_note
from producer.readers.workbook.process import OutOfMemory, Refused, SheetRow, refusal, too_large
from producer.readers.workbook.sheet import OpenedSheet, SheetFinder
from producer.row import Row
from producer.row_errors import FileBrokenOff, RowError, reason, shown
from producer.source import OpenedSource
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow

_MOST_NOTED = 5


class WorkbookRows:
    """The reader for workbooks, based on calamine."""

    typed = True

    def __init__(
        self, opened: OpenedSource, name: str, path: Path | None, reading: ReadingOptions
    ) -> None:
        """Find the sheet and its header; raise `BadInput` if there is none, or if the workbook cannot be read."""
        self._opened = opened
        self._name = name
        self._file = _as_file(opened, name, path)
        try:
            self._sheet = self._find_sheet(reading)
        except (Refused, OutOfMemory) as error:
            self._file.close()
            raise refusal(name, error) from error
        except BaseException:
            self._file.close()
            raise
        self.names, self._rows, self._notes = self._below_header(reading.skip)
        self._left_out: set[int] = set()

    @property
    def notes(self) -> Sequence[str]:
        """Return what is read and what is not, as far as it is known."""
        notes = list(self._notes)
        if self._left_out:
            first = self._sheet.process.column
            letters = [_letters(first + place) for place in sorted(self._left_out)]
            notes.append(f"columns without a name were left out: {_listed(letters)}")
        if errors := self._sheet.process.errors:
            notes.append(
                f"cells with an error such as #REF! were read as empty; the workbook has {errors:,}"
            )
        return notes

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every row below the header."""
        named = [(place, name) for place, name in enumerate(self.names) if name]
        unnamed = [place for place, name in enumerate(self.names) if not name]
        number = 0
        try:
            for number, cells, size, flaw in self._rows:
                if flaw is not None:
                    yield RowError(flaw, code="row_too_long").at(self._name, number)
                    continue
                for place in unnamed:
                    if cells[place] is not None:
                        self._left_out.add(place)
                yield Row(number, {name: cells[place] for place, name in named}, size)
        except (Refused, OutOfMemory) as error:
            why = str(error) if isinstance(error, Refused) else too_large()
            raise FileBrokenOff(
                self._name, number + 1, f"the workbook cannot be read further: it {why}"
            ) from error

    def close(self) -> None:
        """Close the file and its copy, and end the process."""
        self._sheet.process.close()
        self._file.close()
        self._opened.close()

    def _find_sheet(self, reading: ReadingOptions) -> OpenedSheet:
        finder = SheetFinder(self._file, self._name, reading)
        try:
            packed = os.fstat(self._file.fileno()).st_size
            self._opened.unfolding.add(finder.contents.unpacked, packed)
            return finder.find()
        except DecompressionLimitExceeded as error:
            raise BadInput(f"{self._name} is not read: {reason(error)}.") from error
        finally:
            finder.close()

    def _below_header(self, skip: int) -> tuple[tuple[str, ...], Iterator[SheetRow], list[str]]:
        """Return the columns' names, the rows, and the notes on how they were found."""
        header, ahead = self._sheet.header, self._sheet.ahead
        if header is None:  # the finder returns none without one
            raise BadInput(f"{self._name} has no header.")
        names, renamed = distinct_names(header.names)
        contents = self._sheet.process.contents
        others = [name for place, name in enumerate(contents.sheets) if place != contents.sheet]
        notes = []
        if others:
            read = shown(contents.sheets[contents.sheet])
            notes.append(
                f"the sheet {read} was read, and not {_listed([shown(one) for one in others])}"
            )
        if skip:
            notes.append(f"the first {skip} rows of the sheet were skipped, as asked")
        if above := ahead[: header.place]:
            quoted = [f"row {row.number} is {_text(row)}" for row in above]
            notes.append(f"rows above the header were skipped: {_listed(quoted)}")
        if renamed:
            notes.append(renamed_note(renamed))
        return names, chain(ahead[header.place + 1 :], self._sheet.rows), notes


def _as_file(opened: OpenedSource, name: str, path: Path | None) -> IO[bytes]:
    try:
        return as_file(opened, path)
    except READ_ERRORS as error:
        raise BadInput(f"{name} cannot be unpacked: {reason(error)}.") from error


def _text(row: SheetRow) -> str:
    return shown(" ".join(str(cell).strip() for cell in row.cells if cell is not None))


def _letters(place: int) -> str:
    """Return a column's letters, as a spreadsheet shows them."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_NOTED} more" if len(texts) > _MOST_NOTED else ""
    return ", ".join(texts[:_MOST_NOTED]) + more
