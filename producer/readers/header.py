"""Names of columns: whether a row of cells is a header, and names that are each used once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from producer.columns import guess_id, guess_images
from producer.image_suffixes import IMAGE_SUFFIXES
from producer.presets import recognise
from producer.row_errors import shown

NAMED, CERTAIN, LIKELY, POSSIBLE, NOT_ONE = 4, 3, 2, 1, 0
"""How much a row looks like a header: it has the columns that the caller named; those of an id and a picture, or of a
platform; one of both; cells that could be names."""
_NUMBER = re.compile(r"[-+]?[\d.,' ]+%?")
_NAME_CHARS = 200
_NOTED_COLUMNS = 5


def header_rank(cells: Sequence[str], named: frozenset[str]) -> int:
    """Return how much a row with these cells looks like a header."""
    filled = [cell for cell in cells if cell]
    if named and named.issubset(filled):
        return NAMED
    if any(len(cell) > _NAME_CHARS or _is_value(cell) for cell in filled):
        return NOT_ONE
    has_id, has_images = guess_id(filled) is not None, bool(guess_images(filled))
    if not named and ((has_id and has_images) or recognise(filled) is not None):
        return CERTAIN
    if has_id or has_images:
        return LIKELY
    numbers = sum(_NUMBER.fullmatch(cell) is not None for cell in filled)
    is_full = 2 * len(filled) >= len(cells) and len(set(filled)) == len(filled)
    return POSSIBLE if is_full and 2 * numbers <= len(filled) else NOT_ONE


def distinct_names(names: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Return the columns' names, each once, and those that were changed: the second `price` is `price_2`."""
    taken = set(names)
    times: Counter[str] = Counter()
    found: list[str] = []
    renamed: list[tuple[str, str]] = []
    for name in names:
        times[name] += 1
        new = name
        if name and times[name] > 1:
            while (new := f"{name}_{times[name]}") in taken:
                times[name] += 1
            taken.add(new)
            renamed.append((name, new))
        found.append(new)
    return tuple(found), renamed


def renamed_note(columns: Sequence[tuple[str, str]]) -> str:
    """Return a note on columns that were renamed, as pairs of the old name and the new one."""
    which = ", ".join(f"{shown(old)} as {shown(new)}" for old, new in columns[:_NOTED_COLUMNS])
    more = f" and {len(columns) - _NOTED_COLUMNS} more" if len(columns) > _NOTED_COLUMNS else ""
    if len(columns) == 1:
        return f"a column has the name of one before it and is read under another: {which}"
    return f"{len(columns)} columns have the name of one before them and are read under another: {which}{more}"


def _is_value(cell: str) -> bool:
    """Whether a cell is a URL or the name of a picture, so that its row is not a header."""
    return "://" in cell or (cell.lower().rpartition(".")[2] in IMAGE_SUFFIXES and "." in cell)
