"""The reader's handle on the decoder of workbooks: starts it for one sheet, and returns its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from producer.limits import MAX_CELL_CHARS, MAX_ROW_CHARS
from producer.readers.decoder_process import DecoderHandle
from producer.readers.workbook.decoder import DecoderOptions
from vitrine.core.errors import BadInput

MEMORY_BYTES = 1024 * 1024 * 1024
"""Memory of one decoder in addition to its libraries: a sheet is held as a whole, about 100 bytes for each cell."""
CPU_SECONDS = 600
UNPACKED_BYTES = 8 * 1024 * 1024 * 1024
CELLS = 100_000_000
"""The used area of a sheet: a row of every one is passed on, blank or not."""
_DECODER = Path(__file__).with_name("decoder.py")
_MESSAGE_BYTES = 16 * MAX_ROW_CHARS
"""More than the decoder sends in a line: a character has up to six bytes in JSON."""


class OutOfMemory(Exception):
    """Raised if the decoder runs out of memory or time, or crashes on its input."""


class Refused(Exception):
    """Raised if the decoder refuses the file; holds the reason and a hint."""

    def __init__(self, why: str, hint: str | None) -> None:
        super().__init__(why)
        self.hint = hint


class SheetRow(NamedTuple):
    """A row that is not blank, with its number on the sheet; `flaw` says why it was not read."""

    number: int
    cells: list[Any]
    size: int
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a workbook holds: the names of its sheets, the positions of those that are not hidden, and its unpacked size."""

    sheets: tuple[str, ...]
    visible: list[int]
    unpacked: int
    sheet: int  #: The position of the sheet that is decoded.


class SheetProcess:
    """One running decoder; close it after use."""

    def __init__(self, file: IO[bytes], sheet: int | None) -> None:
        """Start the decoder for a sheet by its position, None for the first that is not hidden. Raises `Refused` and `OutOfMemory`."""
        options = DecoderOptions(
            MEMORY_BYTES, CPU_SECONDS, sheet, UNPACKED_BYTES, CELLS, MAX_CELL_CHARS, MAX_ROW_CHARS
        )
        self.column = 0  #: The position of the rows' first cell, once a row was read.
        self.errors = 0  #: Cells with an error in the workbook, once every row was read.
        self._process = DecoderHandle(_DECODER, options, file)
        try:
            first = self._message()
            self.contents = Contents(
                tuple(first["sheets"]), first["visible"], first["unpacked"], first["sheet"]
            )
        except BaseException:
            self._process.close()
            raise

    def rows(self) -> Iterator[SheetRow]:
        """Yield every row that is not blank; raise `Refused` or `OutOfMemory`."""
        while True:
            message, size = self._sized_message()
            if isinstance(message, list):
                number, cells = message
                yield SheetRow(number, [_cell(cell) for cell in cells], size)
            elif "column" in message:
                self.column = message["column"]
            elif "flaw" in message:
                yield SheetRow(message["row"], [], size, message["flaw"])
            else:
                self.errors = message["end"]["errors"]
                return

    def close(self) -> None:
        """End the process, even in the middle of the sheet."""
        self._process.close()

    def _message(self) -> Mapping[str, Any]:
        message: Mapping[str, Any] = self._sized_message()[0]
        return message

    def _sized_message(self) -> tuple[Any, int]:
        line = self._process.stream.readline(_MESSAGE_BYTES)
        if not line.endswith(b"\n"):
            raise OutOfMemory
        message = orjson.loads(line)
        if isinstance(message, dict) and "refused" in message:
            raise Refused(message["refused"], message["hint"])
        return message, len(line)


def refusal(name: str, error: Refused | OutOfMemory) -> BadInput:
    """Return the error for a workbook of which no row was read."""
    if isinstance(error, Refused):
        return BadInput(f"{name} {error}.", hint=error.hint)
    return BadInput(
        f"{name} {too_large()}.",
        hint="Save the sheet as CSV, or name a smaller one in --row.",
    )


def too_large() -> str:
    """Return what is to be said of a workbook on which the decoder did not survive."""
    return (
        f"takes more than {MEMORY_BYTES // 2**20:,} MiB of memory or {CPU_SECONDS // 60} minutes to decode, "
        "or is damaged"
    )


def _cell(value: Any) -> Any:
    if type(value) is not dict:
        return value
    ((kind, text),) = value.items()
    if kind == "seconds":
        return dt.timedelta(seconds=text)
    return _FROM_TEXT[kind](text)


_FROM_TEXT = {
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
}
