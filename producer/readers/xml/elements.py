"""The rows of an XML document: each element of one path, with what is inside, as small tuples.

Only the row being read is kept. A row that is too long or has too many elements is skipped without being stored; it comes
out with its flaw, so that the rows after it can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from producer.limits import MAX_ROW_CHARS
from producer.readers.xml.builder import Children, RowBuilder
from producer.readers.xml.parser import MAX_DEPTH, SafeParser, local_name
from producer.row_errors import RowError

MAX_ROW_ELEMENTS = 20_000


class RowElement(NamedTuple):
    """One row as it is in the document."""

    line: int
    start: int  #: Bytes of the document before it.
    end: int
    attrs: dict[str, str]
    children: Children
    flaw: RowError | None = None

    @property
    def size(self) -> int:
        """Return its bytes, an element of attributes only included."""
        return self.end - self.start or sum(map(len, self.attrs.values()))


class RowParser(SafeParser):
    """Collects the elements whose path ends with `wanted`; take them from `rows` after each `feed`."""

    def __init__(self, wanted: Sequence[str]) -> None:
        super().__init__()
        self.rows: list[RowElement] = []
        self._wanted = list(wanted)
        self._path: list[str] = []
        self._builder = RowBuilder(self._end_row)
        self._attrs: dict[str, str] = {}
        self._skipped_depth = 0
        self._row_line: int | None = None
        self._row_start = 0
        self._flaw: RowError | None = None
        self._between_rows()

    @property
    def open_row(self) -> int | None:
        """Return the line of the row that is not complete, if there is one."""
        return self._row_line

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Parse the next bytes; raise `XmlFlaw`."""
        super().feed(data, final=final)
        if self._row_line is not None and not self._skipped_depth:
            self._check_extent()

    # Between rows ---------------------------------------------------------------------------------

    def _between_rows(self) -> None:
        self.expat.CharacterDataHandler = None
        self.expat.SkippedEntityHandler = None
        self.expat.StartElementHandler = self._outer_start
        self.expat.EndElementHandler = self._outer_end

    def _outer_start(self, name: str, attrs: dict[str, str]) -> None:
        path = self._path
        path.append(local_name(name))
        if path[-len(self._wanted) :] == self._wanted:
            self._begin_row(attrs)
        elif len(path) > MAX_DEPTH:
            raise self.too_deep()

    def _outer_end(self, _: str) -> None:
        self._path.pop()

    def _begin_row(self, attrs: dict[str, str]) -> None:
        self._row_line = self.expat.CurrentLineNumber
        self._row_start = self.expat.CurrentByteIndex
        self._attrs = attrs
        self._flaw = None
        self.expat.StartElementHandler = self._builder.start
        self.expat.EndElementHandler = self._builder.end
        self.expat.CharacterDataHandler = self._builder.text
        self.expat.SkippedEntityHandler = self._unknown_entity

    def _end_row(self, children: Children) -> None:
        start, end = self._row_start, self.expat.CurrentByteIndex
        if end - start > MAX_ROW_CHARS and self._flaw is None:
            self._flaw = _too_long()
        line = self._row_line or 0
        self.rows.append(RowElement(line, start, end, self._attrs, children, self._flaw))
        self._row_line = None
        self._path.pop()
        self._between_rows()

    def _unknown_entity(self, name: str, *_: object) -> None:
        self._flaw = RowError(f"&{name}; is not declared; write &amp; for an ampersand")

    # The rest of a row that is not stored -----------------------------------------------------------

    def _check_extent(self) -> None:
        """Pass over the rest of the row if it is above a limit; one feed can add little to it."""
        depth = self._builder.depth
        if self.fed - self._row_start > MAX_ROW_CHARS:
            self._pass_over(_too_long(), depth)
        elif self._builder.elements > MAX_ROW_ELEMENTS:
            why = f"the row has more than {MAX_ROW_ELEMENTS:,} elements"
            self._pass_over(RowError(why, code="row_too_long"), depth)
        elif depth > MAX_DEPTH:
            raise self.too_deep()

    def _pass_over(self, flaw: RowError, depth: int) -> None:
        self._flaw = flaw
        self._skipped_depth = depth + 1
        self.expat.CharacterDataHandler = (
            None  # gives what expat has buffered to the handler before
        )
        self.expat.StartElementHandler = self._skipped_start
        self.expat.EndElementHandler = self._skipped_end
        self._builder.clear()

    def _skipped_start(self, *_: object) -> None:
        self._skipped_depth += 1
        if self._skipped_depth > MAX_DEPTH:
            raise self.too_deep()

    def _skipped_end(self, _: str) -> None:
        self._skipped_depth -= 1
        if not self._skipped_depth:
            self._end_row([])


def _too_long() -> RowError:
    return RowError(f"the row is longer than {MAX_ROW_CHARS // 2**20} MiB", code="row_too_long")
