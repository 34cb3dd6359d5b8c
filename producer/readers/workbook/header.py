"""Find the header of a sheet among titles and other rows that are put above it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from producer.readers.header import CERTAIN, LIKELY, NAMED, NOT_ONE, POSSIBLE, header_rank
from producer.readers.workbook.process import SheetRow

LOOKED_AT = 20
"""Rows that are judged, blank ones not counted."""
_AMAZON_START = "TemplateType="
_AMAZON_HEADER = 3


class SheetHeader(NamedTuple):
    """A row near the beginning: its place among the rows, its names, and how much it looks like a header."""

    place: int
    names: tuple[str, ...]
    rank: int


def find_header(rows: Sequence[SheetRow], named: Sequence[str] = ()) -> SheetHeader | None:
    """Return the header among a sheet's first rows, None if none of them looks like one."""
    found = [_judged(place, row, frozenset(named)) for place, row in enumerate(rows[:LOOKED_AT])]
    if not found:
        return None
    if found[0].names[0].startswith(_AMAZON_START):
        below = (each for each in found if rows[each.place].number >= _AMAZON_HEADER)
        return next((each for each in below if each.rank >= LIKELY), None)
    for least in (NAMED, CERTAIN):
        if chosen := next((each for each in found if each.rank >= least), None):
            return chosen
    if found[0].rank >= POSSIBLE:
        return found[0]
    for least in (LIKELY, POSSIBLE):
        if chosen := next((each for each in found if each.rank >= least), None):
            return chosen
    return None


def first_as_header(rows: Sequence[SheetRow]) -> SheetHeader | None:
    """Return the first row, whatever is in it."""
    return SheetHeader(0, _names(rows[0]), NAMED) if rows else None


def _judged(place: int, row: SheetRow, named: frozenset[str]) -> SheetHeader:
    names = _names(row)
    is_header = any(names) and not any(map(_is_value, row.cells))
    return SheetHeader(place, names, header_rank(names, named) if is_header else NOT_ONE)


def _names(row: SheetRow) -> tuple[str, ...]:
    return tuple("" if cell is None else str(cell).strip() for cell in row.cells) or ("",)


def _is_value(cell: Any) -> bool:
    return isinstance(cell, bool | dt.date | dt.time | dt.timedelta)
