"""What is doubtful about a catalog's values: counted while rows are read, and reported once all of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

SHOWN = 3
"""Rows that a note names; all of them are counted."""
MOST_COLUMNS = 200
"""Columns with a note of their own: a JSON file can have other fields in each row."""
_OTHERS = "other fields"


class Expected(NamedTuple):
    """A kind of value, as a note names one and several of them."""

    one: str
    many: str


NUMBERS = Expected("a number", "numbers")
BOOLEANS = Expected("true or false", "true or false")
LISTS = Expected("a list", "lists")
TEXTS = Expected("a text", "texts")
MONEY = Expected("an amount of money", "amounts of money")
DATES = Expected("a date", "dates")


class Place(NamedTuple):
    """A row: its number among the rows, if that is known, and its line in the file."""

    row: int | None
    line: int

    def __str__(self) -> str:
        if self.row is None:
            return f"line {self.line}"
        # In a format without lines, the line is the row's number.
        row = f"row {self.row}"
        return row if self.row == self.line else f"{row} (line {self.line})"


@dataclass(slots=True)
class Places:
    """How many rows, and the first of them."""

    times: int = 0
    first: list[Place] = field(default_factory=list)

    def add(self, place: Place) -> None:
        """Count one more."""
        self.times += 1
        if self.times <= SHOWN:
            self.first.append(place)

    def __str__(self) -> str:
        return ", ".join(map(str, self.first)) + (", …" if self.times > SHOWN else "")


class Doubts:
    """The doubts about one catalog. `line` is the current row's; `rows` returns how many rows were read, if that is known."""

    def __init__(self, rows: Callable[[], int] | None = None) -> None:
        self.line = 0
        self._rows = rows
        self._columns: dict[str, str] = {}
        self._odd: dict[tuple[str, Expected], Places] = {}
        self._cut: dict[str, Places] = {}

    @property
    def place(self) -> Place:
        """The current row."""
        return Place(self.line if self._rows is None else self._rows(), self.line)

    def column(self, name: str, sentence: str) -> None:
        """Note why a column is read as it is."""
        if name in self._columns or len(self._columns) < MOST_COLUMNS:
            self._columns[name] = sentence

    def odd(self, name: str, expected: Expected) -> None:
        """Count a value of another kind than that of its column's first rows."""
        if (name, expected) not in self._odd and len(self._odd) >= MOST_COLUMNS:
            name = _OTHERS
        self._odd.setdefault((name, expected), Places()).add(self.place)

    def cut(self, name: str, place: Place) -> None:
        """Count a text that was cut."""
        if name not in self._cut and len(self._cut) >= MOST_COLUMNS:
            name = _OTHERS
        self._cut.setdefault(name, Places()).add(place)

    def notes(self, cut_to: int) -> Iterator[str]:
        """Yield a sentence for each doubt; `cut_to` is the length in characters that texts were cut to."""
        yield from self._columns.values()
        for (name, expected), places in self._odd.items():
            yield (
                f"1 value of {name!r} is not {expected.one}, unlike those of the first rows, and was kept as it is: {places}"
                if places.times == 1
                else f"{places.times:,} values of {name!r} are not {expected.many}, unlike those of the first rows, "
                f"and were kept as they are: {places}"
            )
        for name, places in self._cut.items():
            rows = "1 row" if places.times == 1 else f"{places.times:,} rows"
            yield f"{name!r} was cut to {cut_to:,} characters in {rows} with too large a payload: {places}"
