"""Find the header of a CSV file, and its separator, among titles, comments and other lines that exports put above it.

The header is the first line whose cells are names of columns: those that the caller named, else those of an id and a
picture or of a platform's export. Without such a line it is the first that could be one. Whatever is skipped
is reported, so that no row is lost unseen.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from producer.readers.header import CERTAIN, LIKELY, NAMED, NOT_ONE, POSSIBLE, header_rank
from producer.row_errors import shown
from vitrine.core.errors import BadInput
from vitrine.core.hints import Action, Hint

LOOKED_AT_LINES = 100
CANDIDATES = 20
"""Lines that are judged, comments and blank lines not counted."""
SEPARATORS = (",", ";", "\t", "|")
_QUOTED = re.compile(r'"[^"]*"')
_DECLARED = re.compile(r'"?sep=([^\w"\r\n])"?[;,]*\s*', re.IGNORECASE)
_AMAZON_START = "TemplateType="
_AMAZON_HEADER = 2
_QUOTED_LINES = 3


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header is: `above` lines are over it; `notes` say which of them were skipped."""

    above: int
    separator: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row near the beginning: the lines above it, its separator, its cells and how much it looks like a header."""

    above: int
    separator: str
    cells: tuple[str, ...]
    rank: int
    comment: bool


def declared_separator(line: str) -> str | None:
    """Return the separator that a line such as `sep=;` names, for Excel; None for any other line."""
    match = _DECLARED.fullmatch(line)
    return None if match is None else match[1]


def find_header(
    lines: Sequence[str],
    name: str,
    *,
    separator: str | None = None,
    named: Sequence[str] = (),
    skipped: int = 0,
) -> Header:
    """Return the header among a file's first lines; raise `BadInput` if none of them looks like one.

    After `skipped` lines, which the caller said are no part of the table, the next one is the header, whatever it is.
    """
    notes: list[str] = []
    start = 0
    if lines and (declared := declared_separator(lines[0])) is not None:
        separator, start = declared, 1
        notes.append(f"line {skipped + 1} says that the separator is {declared!r}")
    found = _candidates(lines, start, separator, frozenset(named))
    if skipped:
        chosen = found[0] if found else None
    else:
        chosen = _amazon(lines, found) or _best(found)
        if chosen is None or chosen.rank < CERTAIN:
            _refuse_quoted_lines(found, name)
        if chosen is None and found:
            raise _none_found(lines, name)
    if chosen is None:
        return Header(start, separator or SEPARATORS[0], tuple(notes))
    notes.extend(_passed_over(lines[start : chosen.above], skipped + start))
    return Header(chosen.above, chosen.separator, tuple(notes))


def find_separator(line: str) -> str:
    """Return the most frequent separator in a line, outside quotes; a comma if there is none."""
    return _separators(line)[0]


def _separators(line: str) -> list[str]:
    """Return the separators in a line, the most frequent first."""
    counts = Counter(_QUOTED.sub("", line))
    present = [separator for separator in SEPARATORS if counts[separator]]
    return sorted(present, key=lambda separator: -counts[separator]) or [SEPARATORS[0]]


def _candidates(
    lines: Sequence[str], start: int, separator: str | None, named: frozenset[str]
) -> list[_Candidate]:
    """Return the first rows with a filled cell; the first that cannot be read as CSV ends them."""
    found: list[_Candidate] = []
    place = start
    judged = 0
    while place < len(lines) and judged < CANDIDATES:
        candidate, size = _candidate(lines, place, separator, named)
        place += size
        if candidate is not None:
            found.append(candidate)
            judged += not candidate.comment
    return found


def _candidate(
    lines: Sequence[str], place: int, separator: str | None, named: frozenset[str]
) -> tuple[_Candidate | None, int]:
    """Return the row that begins at a line, None if it is blank, and the number of its lines."""
    options = [separator] if separator else _separators(lines[place])
    best: _Candidate | None = None
    taken = 1
    comment = lines[place].lstrip().startswith("#")
    for option in options:
        cells, size = _parsed(lines, place, option)
        if not any(cells):
            continue
        rank = header_rank(cells, named)
        if rank == POSSIBLE and not _is_as_wide(lines, place + size, option, len(cells)):
            rank = NOT_ONE
        if best is None or rank >= CERTAIN > best.rank:
            best, taken = _Candidate(place, option, cells, rank, comment), size
    return best, taken


def _parsed(lines: Sequence[str], place: int, separator: str) -> tuple[tuple[str, ...], int]:
    """Return the row's cells and the number of its lines; a line with a quote that is not closed is one cell."""
    reader = csv.reader(iter(lines[place:]), delimiter=separator, strict=True)
    try:
        cells = next(reader, [])
    except csv.Error:
        return (lines[place].strip(),), 1
    return tuple(cell.strip() for cell in cells), max(reader.line_num, 1)


def _is_as_wide(lines: Sequence[str], place: int, separator: str, width: int) -> bool:
    """Whether the next row has the same number of cells; a title line has fewer. At the end of the file, there is none."""
    for line in lines[place:]:
        if line.strip():
            return len(_parsed([line], 0, separator)[0]) == width
    return True


def _amazon(lines: Sequence[str], found: Sequence[_Candidate]) -> _Candidate | None:
    """Return line 3 of an Amazon flat file: line 1 is the template's, line 2 has the names for people."""
    if not lines or not lines[0].lstrip('"').startswith(_AMAZON_START):
        return None
    likely = (each for each in found if each.above >= _AMAZON_HEADER and each.rank >= LIKELY)
    return next(likely, None)


def _best(found: Sequence[_Candidate]) -> _Candidate | None:
    """Return the first row with the columns sought; else the first that can be a header, comments last."""
    rows = [each for each in found if not each.comment]
    comments = [each for each in found if each.comment]
    for least in (NAMED, CERTAIN):
        for group in (rows, comments):
            if chosen := next((each for each in group if each.rank >= least), None):
                return chosen
    if rows and rows[0].rank >= POSSIBLE:
        return rows[0]
    for least in (LIKELY, POSSIBLE):
        if chosen := next((each for each in (*rows, *comments) if each.rank >= least), None):
            return chosen
    return None


def _passed_over(lines: Sequence[str], above: int) -> Iterator[str]:
    """Report lines above the header, unless all of them are blank."""
    texts = [line.strip() for line in lines if line.strip(' \t\r\n,;|"')]
    if not texts:
        return
    first, last = above + 1, above + len(lines)
    where = f"line {first}" if first == last else f"lines {first} to {last}"
    were = "was" if first == last else "were"
    more = f" and {len(texts) - _QUOTED_LINES} more" if len(texts) > _QUOTED_LINES else ""
    quoted = ", ".join(shown(text) for text in texts[:_QUOTED_LINES])
    yield f"{where} above the header {were} skipped: {quoted}{more}"


def _none_found(lines: Sequence[str], name: str) -> BadInput:
    seen = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    quoted = ", ".join(f"line {number} is {shown(text)}" for number, text in seen[:_QUOTED_LINES])
    return BadInput(
        f"{name}: none of its first lines looks like a header, with the names of columns: {quoted}.",
        hint=Hint(f"Put such a line above the rows, or skip what is above it: {{{Action.SKIP}}}."),
    )


def _refuse_quoted_lines(found: Sequence[_Candidate], name: str) -> None:
    """Raise `BadInput` if the header is one quoted cell with the whole line, as Excel writes a file that it did not split."""
    for each in found:
        whole = each.cells[0]
        if any(each.cells[1:]):
            continue
        separator = find_separator(whole)
        inner, _ = _parsed([whole], 0, separator)
        if len(inner) > 1 and header_rank(inner, frozenset()) >= LIKELY:
            raise BadInput(
                f"{name}: every line is one quoted cell, {shown(whole)}, so that it has a single column.",
                hint=f"Split the cells at {separator!r} in the spreadsheet (Data, Text to Columns) and save the file again, "
                "or remove the quotes around the lines.",
            )
