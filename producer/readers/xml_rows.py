"""XML: RSS, Atom and any other document in which an element repeats, streamed in bounded memory.

`producer.readers.xml` has the parts; here they are put together. A row's line is that of its element's start tag. Values are
texts, or lists of texts and objects where elements repeat. A document that breaks off, or is malformed somewhere, is read up
to there.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain

from producer.limits import SAMPLE_CHARS, SAMPLE_ROWS
from producer.readers.base import ReadingOptions, look_for_names
from producer.readers.xml.elements import RowElement, RowParser
from producer.readers.xml.fields import FieldsOf
from producer.readers.xml.outline import LISTED, Outline, Path
from producer.readers.xml.parser import XmlFlaw, local_name
from producer.readers.xml.text import Flaw, Piece, XmlText
from producer.row import Row
from producer.row_errors import FileBrokenOff, RowError, reason, shown
from producer.source import OpenedSource
from vitrine.core.errors import BadInput
from vitrine.core.hints import Action, Hint
from vitrine.core.types import RejectedRow

MIN_LOOK_BYTES = 1024 * 1024
"""How much of the document is searched for the rows."""
MAX_LOOK_BYTES = 8 * 1024 * 1024
"""The same if nothing like a row is in that."""
_READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError)


class XmlRows:
    """The reader for XML; the field names are those of the first rows."""

    typed = False

    def __init__(self, opened: OpenedSource, name: str, reading: ReadingOptions) -> None:
        """Find the rows; raise `BadInput` if there are none."""
        self._opened = opened
        self._name = name
        self._text = XmlText(opened.stream, opened.head, name, reading.encoding, reading.skip)
        self._pieces: Iterator[Piece] = self._text.pieces()
        self._outline = Outline()
        self._note = ""
        path = self._find_rows() if reading.row is None else self._asked_rows(reading.row)
        self._repeated = self._outline.repeated()
        self._outline.close()
        self._row_path = "/".join(path)
        self._parser = RowParser(path)
        self._fields = FieldsOf(path[-1])
        self.names, self._rows = look_for_names(name, self._read())

    @property
    def notes(self) -> Sequence[str]:
        """Return what was found, corrected and changed so far."""
        choice = (self._note,) if self._note else ()
        return (*choice, *self._text.notes, *self._fields.notes)

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every row."""
        return self._rows

    def close(self) -> None:
        """Close the file."""
        self._parser.close()
        self._opened.close()

    # Finding the rows -------------------------------------------------------------------------------

    def _asked_rows(self, asked: str) -> Path:
        path = tuple(local_name(part) for part in asked.split("/") if part)
        if not path:
            raise BadInput(f"{shown(asked)} does not name an element.", hint=_HINT)
        self._look_ahead(MIN_LOOK_BYTES)
        return path

    def _find_rows(self) -> Path:
        outline = self._outline
        self._look_ahead(MAX_LOOK_BYTES)
        if (found := outline.row()) is not None:
            path = "/".join(found)
            others = [
                other for other in outline.repeated() if not f"{other}/".startswith(f"{path}/")
            ]
            self._note = f"Each {path} is read as a row{_listed(others)}."
            return found
        if outline.flaw is not None:
            raise FileBrokenOff(self._name, outline.flaw.line, outline.flaw.why)
        raise BadInput(
            f"{self._name} has no element that repeats and has others in it{_listed(outline.repeated())}.",
            hint=_HINT,
        )

    def _look_ahead(self, most: int) -> None:
        """Give the beginning of the document to the outline, until it shows the rows, and leave it to be read."""
        ahead: list[Piece] = []
        outline = self._outline
        try:
            for piece in self._pieces:
                ahead.append(piece)
                outline.look_at(piece.data)
                if outline.flaw is not None or outline.fed >= most:
                    break
                if outline.fed >= MIN_LOOK_BYTES and outline.row() is not None:
                    break
            else:
                outline.look_at(b"", final=True)
        except _READ_ERRORS as error:
            self._pieces = _raising(error)
        self._pieces = chain(ahead, self._pieces)

    # Reading ----------------------------------------------------------------------------------------

    def _read(self) -> Iterator[Row | RejectedRow]:
        elements = self._elements()
        ahead, broken = _look_ahead(elements)
        self._fields.learn(row for row in ahead if row.flaw is None)
        count = 0
        for element in chain(ahead, elements):
            count += 1
            yield self._row(element)
        if broken is not None:
            raise broken
        if not count:
            raise BadInput(
                f"{self._name} has no element {shown(self._row_path)}{_listed(self._repeated)}.",
                hint=_HINT,
            )

    def _row(self, element: RowElement) -> Row | RejectedRow:
        try:
            return Row(element.line, self._fields.values(element), element.size)
        except RowError as flaw:
            return flaw.at(self._name, element.line)

    def _elements(self) -> Iterator[RowElement]:
        parser, rows = self._parser, self._parser.rows
        flaws: list[Flaw] = []
        try:
            for data, found in self._pieces:
                flaws += ((parser.fed + at, char) for at, char in found)
                parser.feed(data)
                yield from self._with_flaws(rows, flaws) if flaws else rows
                rows.clear()
            parser.feed(b"", final=True)
        except XmlFlaw as error:
            yield from self._with_flaws(rows, flaws)
            raise self._broken(error) from error
        except _READ_ERRORS as error:
            why = f"the file cannot be read further: {reason(error)}"
            raise FileBrokenOff(self._name, parser.line, why) from error

    def _with_flaws(self, rows: Sequence[RowElement], flaws: list[Flaw]) -> Iterator[RowElement]:
        """Yield the rows, those with a flaw as flawed; of the flaws only one that can be in the next row is kept."""
        for row in rows:
            first = bisect_left(flaws, (row.start, ""))
            if row.flaw is None and first < len(flaws) and flaws[first][0] < row.end:
                why = RowError(self._text.explain(flaws[first][1]), code="bad_encoding")
                yield row._replace(flaw=why)
            else:
                yield row
        if not self._parser.holds_back:
            del flaws[:-1]  # one rejects a row, and the last may be in one that is not complete

    def _broken(self, flaw: XmlFlaw) -> FileBrokenOff:
        row = self._parser.open_row
        within = (
            "" if row is None or row == flaw.line else f", in the row that begins at line {row}"
        )
        return FileBrokenOff(self._name, flaw.line, f"{flaw.why}{within}")


_HINT = Hint(f"Name the element that is a row in {{{Action.ROW_ELEMENT}}}.")


def _look_ahead(
    elements: Iterator[RowElement],
) -> tuple[list[RowElement], FileBrokenOff | None]:
    """Return the first rows within the sample's limits, and the error if the file breaks off there."""
    ahead: list[RowElement] = []
    size = 0
    try:
        for element in elements:
            ahead.append(element)
            size += element.size
            if len(ahead) >= SAMPLE_ROWS or size >= SAMPLE_CHARS:
                break
    except FileBrokenOff as error:
        return ahead, error
    return ahead, None


def _raising(error: Exception) -> Iterator[Piece]:
    yield from ()
    raise error


def _listed(paths: Sequence[str]) -> str:
    """Return what a message says of the elements that a file has instead."""
    if not paths:
        return ""
    more = f" and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
    return f"; it has {', '.join(shown(path) for path in paths[:LISTED])}{more}"
