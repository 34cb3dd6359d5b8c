"""CSV and TSV: RFC 4180 with a header, quoted newlines, and a separator found in the header.

Quoting is read strictly: an ambiguous cell is reported, not guessed. After a quote that is never closed,
reading continues at the next line, so that one stray quote costs one row.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from producer.limits import MAX_CELL_CHARS
from producer.lines import Lines, head_text
from producer.readers.base import Row
from producer.row_errors import RowError, shown
from producer.source import OpenedSource
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow

_SEPARATORS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"]*"')


class CsvRows:
    """The reader for CSV and TSV; with `separator` None, the separator is detected."""

    typed = False
    notes: Sequence[str] = ()

    def __init__(self, opened: OpenedSource, name: str, separator: str | None = None) -> None:
        # The limit applies to the whole process, which has no other CSV reader.
        csv.field_size_limit(MAX_CELL_CHARS)
        self._opened = opened
        self._name = name
        self._lines = Lines(opened.stream, opened.head, name)
        delimiter = separator or find_separator(head_text(opened.head))
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self.names = self._header()

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
        names = tuple(cell.strip() for cell in cells)
        doubled = [name for name, times in Counter(names).items() if name and times > 1]
        if doubled:
            raise BadInput(
                f"{self._name} has more than one column {', '.join(map(shown, doubled))}.",
                hint="Give each its own name.",
            )
        return names

    def _ragged(self, cells: list[str]) -> RowError:
        start, end = self._lines.row_start, self._lines.number
        span = f", from line {start} to {end}" if end > start else ""
        return RowError(f"expected {len(self.names)} columns, found {len(cells)}{span}")


def find_separator(head: str) -> str:
    """Return the most frequent separator in the header, outside quotes; a comma if there is none."""
    header = next((line for line in head.splitlines() if line.strip()), "")
    counts = Counter(_QUOTED.sub("", header))
    return max(_SEPARATORS, key=lambda separator: counts[separator])


def _quote_flaw(error: str) -> RowError:
    if error.startswith("field larger"):
        return RowError(
            f"a cell of more than {MAX_CELL_CHARS // 2**20} MiB, "
            "or a quote that is opened here and not closed"
        )
    if error.startswith("unexpected end"):
        return RowError("a quote is opened here and not closed before the end of the file")
    return RowError('a quote within a quoted cell; expected it doubled ("")')
