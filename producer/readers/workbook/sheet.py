"""Find the sheet to read: the one that is named, else the first with the header of a catalog, else the first with any header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from producer.readers.base import ReadingOptions
from producer.readers.header import CERTAIN, NOT_ONE
from producer.readers.workbook.header import LOOKED_AT, SheetHeader, find_header, first_as_header
from producer.readers.workbook.process import Contents, SheetProcess, SheetRow
from producer.row_errors import shown
from vitrine.core.errors import BadInput

MAX_SHEETS = 20
"""Sheets that are looked at for a header."""
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class OpenedSheet:
    """A sheet that is being decoded: its header, the rows that were looked at to find it, and those behind them."""

    process: SheetProcess
    header: SheetHeader | None
    ahead: Sequence[SheetRow]
    rows: Iterator[SheetRow]

    @property
    def rank(self) -> int:
        """Return how much it looks like the sheet with the catalog."""
        return NOT_ONE if self.header is None else self.header.rank


class SheetFinder:
    """Opens the sheets of one workbook. Raises what the decoder raises, besides `BadInput`."""

    def __init__(self, file: IO[bytes], name: str, reading: ReadingOptions) -> None:
        """Start the decoder on the first sheet that is not hidden, to be told which there are."""
        self._file = file
        self._name = name
        self._reading = reading
        self._first: SheetProcess | None = SheetProcess(file, None)
        self.contents: Contents = self._first.contents

    def find(self) -> OpenedSheet:
        """Return the sheet to read, with a header; raise `BadInput` if there is none."""
        sheets = self._candidates()
        ranks: dict[int, int] = {}
        for sheet in sheets:
            opened = self._opened(sheet)
            if opened.rank >= CERTAIN or (opened.header is not None and len(sheets) == 1):
                return opened
            opened.process.close()
            ranks[sheet] = opened.rank
        best = max(ranks, key=lambda sheet: ranks[sheet], default=None)
        if best is None or ranks[best] == NOT_ONE:
            raise self._no_header(sheets)
        return self._opened(best)

    def close(self) -> None:
        """End the process that was started first, if it was not returned."""
        if self._first is not None:
            self._first.close()

    def _candidates(self) -> list[int]:
        asked, names = self._reading.row, self.contents.sheets
        if asked is None:
            return self.contents.visible[:MAX_SHEETS]
        wanted = asked.strip().casefold()
        for same in (asked.__eq__, lambda name: name.strip().casefold() == wanted):
            if found := [sheet for sheet, name in enumerate(names) if same(name)]:
                return found[:1]
        if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
            return [int(wanted) - 1]
        raise BadInput(
            f"{self._name} has no sheet {shown(asked)}; it has {_listed(names)}.",
            hint="Name one of these in --row.",
        )

    def _opened(self, sheet: int) -> OpenedSheet:
        process = self._started(sheet)
        try:
            rows, skip = process.rows(), self._reading.skip
            ahead = list(islice((row for row in rows if row.number > skip), LOOKED_AT))
            header = first_as_header(ahead) if skip else find_header(ahead, self._reading.named)
        except BaseException:
            process.close()
            raise
        return OpenedSheet(process, header, ahead, rows)

    def _started(self, sheet: int) -> SheetProcess:
        first, self._first = self._first, None
        if first is not None:
            if first.contents.sheet == sheet:
                return first
            first.close()
        return SheetProcess(self._file, sheet)

    def _no_header(self, sheets: Sequence[int]) -> BadInput:
        names = [self.contents.sheets[sheet] for sheet in sheets]
        return BadInput(
            f"{self._name}: no sheet has a row with the names of columns; looked at {_listed(names)}.",
            hint="Put such a row above the others, or name a sheet in --row.",
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(shown(name, 40) for name in names[:_MOST_NAMED]) or "none") + more
