"""Numbered lines of text from bytes, with a limit on each row and a check for undecodable bytes.

UTF-8 with or without its mark, UTF-16 with one. A byte that is not UTF-8 does not end the file: it is decoded
to a lone surrogate, and `take_flaw` reports it to the reader for the row just read.
"""

from __future__ import annotations

import codecs
import io
import re
import zlib
from collections import deque
from typing import IO

from producer.limits import MAX_REREAD_CHARS, MAX_ROW_CHARS
from producer.row_errors import FileBrokenOff, RowError, reason

_READ_ERRORS = (OSError, EOFError, zlib.error)
_ESCAPED_BYTE = re.compile(r"[\udc80-\udcff]")


class Lines:
    """An iterator of lines, line ends kept. Call `begin_row` before each row; `number` is the last line read, from 1."""

    def __init__(self, stream: IO[bytes], head: bytes, name: str) -> None:
        encoding, mark = _encoding(head)
        stream.read(mark)
        errors = "surrogateescape" if encoding == "utf-8" else "strict"
        self._text = io.TextIOWrapper(stream, encoding, errors, newline="")
        self._readline = self._text.readline
        self._name = name
        self._pending: deque[str] = deque()
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
        line = self._pending.popleft() if self._pending else self._read()
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

    def _read(self) -> str:
        return self._line(self._room + 1)

    def _line(self, room: int) -> str:
        try:
            return self._readline(room)
        except UnicodeDecodeError as error:
            raise self._broken(f"expected {error.encoding}, found {error.reason}") from error
        except _READ_ERRORS as error:
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
                f"expected UTF-8, found the byte 0x{byte:02X} at character {column + 1} "
                f"of line {self.number}; save the file as UTF-8"
            )
            self._flaw = RowError(message, code="bad_encoding")


def head_text(head: bytes) -> str:
    """Return a file's first bytes as text, for detection."""
    encoding, mark = _encoding(head)
    return head[mark:].decode(encoding, "replace")


def _encoding(head: bytes) -> tuple[str, int]:
    """Return the encoding by its mark, and the bytes of a mark that the decoder does not skip by itself."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", 0
    return "utf-8", len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
