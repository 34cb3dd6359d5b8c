"""Numbered lines of text from bytes, with a limit on each row and a check for undecodable bytes.

The encoding is the one the caller names, else that of the file's mark, else UTF-8 or what is detected in its first MiB. A
byte that cannot be decoded does not end the file: it becomes a lone surrogate, and `take_flaw` reports it to the
reader for the row just read.
"""

from __future__ import annotations

import re
from collections import deque
from typing import IO

from producer.limits import MAX_REREAD_CHARS, MAX_ROW_CHARS
from producer.packed.streams import READ_ERRORS
from producer.row_errors import FileBrokenOff, RowError, reason
from producer.text.detection import looks_like
from producer.text.encodings import UTF_8, given_encoding, mark_of, title_of, utf_16_without_mark
from producer.text.stream import open_text

MAX_LOOK_CHARS = 1024 * 1024
"""Characters of a file's first lines that are read ahead."""
_ESCAPED_BYTE = re.compile(r"[\udc80-\udcff]")


class Lines:
    """An iterator of lines, line ends kept. Call `begin_row` before each row; `number` is the last line read, from 1."""

    def __init__(
        self, stream: IO[bytes], head: bytes, name: str, encoding: str | None = None
    ) -> None:
        """Open the text; raise `BadInput` if `encoding` is not a text encoding. `notes` say how it is read."""
        opened = open_text(stream, head, given_encoding(encoding))
        self._text = opened.text
        self._encoding = opened.encoding
        self.notes: tuple[str, ...] = opened.notes
        self._readline = self._text.readline
        self._name = name
        self._pending: deque[str | FileBrokenOff] = deque()
        self._likeness: tuple[str | None] | None = None
        self._row: list[str] = []
        self._room = MAX_ROW_CHARS
        self._reread_left = MAX_REREAD_CHARS
        self._flaw: RowError | None = None
        self.number = 0
        self.row_start = 1

    def begin_row(self) -> None:
        """Start a new row at the next line."""
        self._room = MAX_ROW_CHARS
        self._row.clear()
        self._flaw = None
        self.row_start = self.number + 1

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._take_pending() if self._pending else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self._room -= len(line)
        if self._room < 0:
            self._skip_rest(line)
            raise RowError(
                f"the row is longer than {MAX_ROW_CHARS // 2**20} MiB", code="row_too_long"
            )
        if not line.isascii() and (found := _ESCAPED_BYTE.search(line)):
            self._note_byte(line, found.start())
        self._row.append(line)
        return line

    def look_ahead(self, most: int) -> list[str]:
        """Return the next lines without taking them: at most `most`, and none after `MAX_LOOK_CHARS`; the last can be cut."""
        missing = MAX_LOOK_CHARS
        found: list[str] = []
        try:
            while len(found) < most and missing > 0 and (line := self._line(missing)):
                found.append(line)
                missing -= len(line)
            self._pending.extend(found)
        except FileBrokenOff as error:
            why = error.as_problem().message
            self._pending.extend(
                [*found, FileBrokenOff(self._name, self.number + len(found) + 1, why)]
            )
        return found

    def take_flaw(self) -> RowError | None:
        """Return the encoding error in the row since `begin_row`, if there is one."""
        return self._flaw

    def reread_row(self) -> None:
        """Put back all lines of the row but the first: after an unclosed quote they are rows themselves."""
        rest = self._row[1:]
        self._reread_left -= sum(map(len, rest))
        if rest and self._reread_left >= 0:
            self._pending.extendleft(reversed(rest))
            self.number -= len(rest)

    @property
    def row_chars(self) -> int:
        """Characters of the row so far."""
        return MAX_ROW_CHARS - self._room

    def close(self) -> None:
        """Close the stream."""
        self._text.close()

    def _take_pending(self) -> str:
        line = self._pending.popleft()
        if isinstance(line, FileBrokenOff):
            self._pending.append(line)  # for whoever reads on
            raise line
        if not self._pending and not line.endswith(("\n", "\r")):
            line += self._line(max(self._room + 1 - len(line), 0))
        return line

    def _read(self) -> str:
        return self._line(self._room + 1)

    def _line(self, room: int) -> str:
        try:
            return self._readline(room)
        except UnicodeDecodeError as error:
            raise self._broken(f"expected {error.encoding}, found {error.reason}") from error
        except READ_ERRORS as error:
            raise self._broken(f"the file cannot be read further: {reason(error)}") from error

    def _broken(self, why: str) -> FileBrokenOff:
        return FileBrokenOff(self._name, self.number + 1, why)

    def _skip_rest(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._line(MAX_ROW_CHARS)

    def _note_byte(self, line: str, column: int) -> None:
        if self._flaw is None:
            byte = ord(line[column]) - 0xDC00
            message = (
                f"expected {title_of(self._encoding)}, found the byte 0x{byte:02X} at character {column + 1} "
                f"of line {self.number}; {self._way_out(line)}"
            )
            self._flaw = RowError(message, code="bad_encoding")

    def _way_out(self, line: str) -> str:
        if self._encoding != UTF_8:
            return "save the file as UTF-8"
        if self._likeness is None:  # the first such line speaks for all: there can be millions
            self._likeness = (looks_like(line.encode(UTF_8, "surrogateescape")),)
        (found,) = self._likeness
        if found is None:
            return "save the file as UTF-8"
        return f"it looks like {title_of(found)} (encoding {found}); name the encoding, or save the file as UTF-8"


def head_text(head: bytes, encoding: str | None = None) -> str:
    """Return a file's first bytes as text, to detect its format: in the encoding that was named or is marked, else in UTF-8."""
    marked = mark_of(head)
    named = given_encoding(encoding)
    known = named or (marked[0] if marked else utf_16_without_mark(head)) or UTF_8
    text = head.decode(known, "replace")
    return text.removeprefix("\ufeff")
