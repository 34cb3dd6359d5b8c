"""CSV and TSV: RFC 4180 with a header, quoted newlines, and a separator found in the header.

Where the header is: `producer.readers.csv_header`. A second column of one name is read under a name with a number.

Quoting is read strictly: an ambiguous cell is reported, not guessed. After a quote that is never closed,
reading continues at the next line, so that one stray quote costs one row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from producer.limits import MAX_CELL_CHARS
from producer.readers.base import ReadingOptions
from producer.readers.csv_header import LOOKED_AT_LINES, declared_separator, find_header
from producer.readers.header import distinct_names, renamed_note
from producer.row import Row
from producer.row_errors import RowError, shown
from producer.source import OpenedSource
from producer.text.lines import Lines
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow


class CsvRows:
    """The reader for CSV and TSV; with `separator` None, the separator is detected."""

    typed = False

    def __init__(
        self,
        opened: OpenedSource,
        name: str,
        separator: str | None = None,
        reading: ReadingOptions | None = None,
    ) -> None:
        """Read the header; raise `BadInput` if there is none that can be read."""
        reading = reading or ReadingOptions()
        # The limit applies to the whole process, which has no other CSV reader.
        csv.field_size_limit(MAX_CELL_CHARS)
        self._opened = opened
        self._name = name
        self._lines = Lines(opened.stream, opened.head, name, reading.encoding)
        self._notes = list(self._lines.notes)
        delimiter = self._before_header(separator, reading)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self.names = self._header()

    @property
    def notes(self) -> Sequence[str]:
        """How the file is read, and what is skipped above the header."""
        return tuple(self._notes)

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every row after the header."""
        names, count, lines, read = self.names, len(self.names), self._lines, self._read
        while True:
            try:
                cells = read()
                if cells is None:
                    return
                if len(cells) != count:
                    raise self._ragged(cells)
            except RowError as flaw:
                yield flaw.at(self._name, lines.row_start)
            else:
                yield Row(lines.row_start, dict(zip(names, cells, strict=True)), lines.row_chars)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
        self._opened.close()

    def _read(self) -> list[str] | None:
        """Return the next row that is not blank, None at the end."""
        lines = self._lines
        cells: list[str] = []
        while not cells:
            lines.begin_row()
            try:
                cells = next(self._reader)
            except StopIteration:
                return None
            except csv.Error as error:
                flaw = _quote_flaw(str(error))
                lines.reread_row()
                raise flaw from error
        if (flaw_of_bytes := lines.take_flaw()) is not None:
            raise flaw_of_bytes
        return cells

    def _header(self) -> tuple[str, ...]:
        try:
            cells = self._read()
        except RowError as flaw:
            raise BadInput(f"{self._name}: the header cannot be read: {flaw.message}.") from flaw
        if cells is None:
            raise BadInput(f"{self._name} is empty; expected a header and rows.")
        names, renamed = distinct_names([cell.strip() for cell in cells])
        if renamed:
            self._notes.append(renamed_note(renamed))
        return names

    def _before_header(self, separator: str | None, reading: ReadingOptions) -> str:
        """Take the lines above the header, report them, and return the separator."""
        if reading.skip:
            declared = self._take(reading.skip)
            self._notes.append(_skipped(reading.skip))
            separator = declared or separator
        found = find_header(
            self._lines.look_ahead(LOOKED_AT_LINES), self._name,
            separator=separator, named=reading.named, skipped=reading.skip,
        )  # fmt: skip
        self._take(found.above)
        self._notes.extend(found.notes)
        return found.separator

    def _take(self, count: int) -> str | None:
        """Take lines above the header; return the separator if the first of them declares one."""
        declared = None
        for number in range(count):
            self._lines.begin_row()
            try:
                line = next(self._lines, "")
            except RowError:
                continue  # a line of any length can be skipped
            if number == 0:
                declared = declared_separator(line)
        return declared

    def _ragged(self, cells: list[str]) -> RowError:
        start, end = self._lines.row_start, self._lines.number
        span = f", from line {start} to {end}" if end > start else ""
        only = f": {shown(cells[0])}" if len(cells) == 1 else ""
        return RowError(f"expected {len(self.names)} columns, found {len(cells)}{span}{only}")


def _skipped(count: int) -> str:
    return (
        "line 1 was skipped, as asked"
        if count == 1
        else f"lines 1 to {count} were skipped, as asked"
    )


def _quote_flaw(error: str) -> RowError:
    if error.startswith("field larger"):
        return RowError(
            f"a cell of more than {MAX_CELL_CHARS // 2**20} MiB, "
            "or a quote that is opened here and not closed"
        )
    if error.startswith("unexpected end"):
        return RowError("a quote is opened here and not closed before the end of the file")
    return RowError('a quote within a quoted cell; expected it doubled ("")')
