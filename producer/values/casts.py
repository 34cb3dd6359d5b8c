"""How to read the texts of one column, decided by its first ones.

A column whose first values all are numbers, dates, amounts of money, booleans or lists is read as that; a later value
of another kind stays text, and is counted as a doubt. One text among the first values makes the whole column text, so
that a filter finds a single type: `10` is a size among `S` and `M`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from producer.row_errors import shown
from producer.values.amounts import choose_amounts, holds_codes
from producer.values.cells import (
    BOOLS,
    FLOAT,
    INT,
    Cell,
    cell_value,
    list_value,
    number_value,
    scalar_text,
)
from producer.values.dates import DateForm, date_form, iso_date
from producer.values.doubts import BOOLEANS, DATES, LISTS, NUMBERS, Doubts, Expected
from producer.values.money import money
from producer.values.texts import clean_text

Cast: TypeAlias = Callable[[str], Cell | None]
"""Returns the value of a cell, None if it is blank."""


_ENOUGH = 20
"""Values that show what a column is meant to hold."""


class Column(NamedTuple):
    """The reading of one column; `currency` returns the currency in a cell of money, None if there is none."""

    name: str
    cast: Cast
    currency: Callable[[str], str | None] | None = None


def text_value(cell: str) -> Cell | None:
    """Return a cell of a text column."""
    text = cell.strip()
    if "&" in text or not text.isascii():
        text = clean_text(text)
    return text or None


def choose_column(name: str, cells: Iterable[str], doubts: Doubts) -> Column:
    """Choose how to read a column, from its first cells; what is unclear is noted in `doubts`."""
    texts = [text for cell in cells if (text := cell.strip())]
    values = [cell_value(text) for text in texts]
    found = {type(value) for value in values}
    if not found:
        return Column(name, cell_value)
    if found <= {int, float}:
        return Column(name, _fractions(name, doubts) if float in found else _integers(name, doubts))
    if found == {bool}:
        return Column(name, _booleans(name, doubts))
    if found == {list}:
        return Column(name, _lists(name, doubts, as_texts=any(map(_holds_text, values))))
    if found <= {int, float, str}:
        special = choose_date(name, texts, doubts) or choose_amount(name, texts, doubts)
        if special is not None:
            return special
        _note_few_others(name, texts, doubts)
    return Column(name, text_value)


def choose_date(name: str, texts: Sequence[str], doubts: Doubts) -> Column | None:
    """Return the reading of a column of dates, None for any other column."""
    form, either = date_form(texts)
    if either:
        doubts.column(
            name,
            f"{name!r} stays text: {shown(texts[0])} can start with the day or the month, and no value shows which",
        )
    return None if form is None else Column(name, _dates(name, doubts, form))


def choose_amount(name: str, texts: Sequence[str], doubts: Doubts) -> Column | None:
    """Return the reading of a column of money, or of numbers as people write them; None for any other column."""
    if (chosen := choose_amounts(name, texts, doubts)) is None:
        return None
    amounts, is_money = chosen
    return Column(name, amounts.value, amounts.currency if is_money else None)


def _integers(name: str, doubts: Doubts) -> Cast:
    is_int = INT.fullmatch
    odd = _odd(name, doubts, NUMBERS)

    def cast(cell: str) -> Cell | None:
        if is_int(cell):
            return int(cell)
        number = number_value(cell.strip())
        return odd(cell) if number is None else number

    return cast


def _fractions(name: str, doubts: Doubts) -> Cast:
    """Return the reading of a column with fractions, in which `45` is one price of many and so a float."""
    is_float = FLOAT.fullmatch
    odd = _odd(name, doubts, NUMBERS)

    def cast(cell: str) -> Cell | None:
        if len(cell) <= 16 and is_float(cell):  # 15 digits and the point
            return float(cell)
        number = number_value(cell.strip())
        return odd(cell) if number is None else float(number)

    return cast


def _booleans(name: str, doubts: Doubts) -> Cast:
    odd = _odd(name, doubts, BOOLEANS)

    def cast(cell: str) -> Cell | None:
        value = BOOLS.get(cell.strip())
        return odd(cell) if value is None else value

    return cast


def _lists(name: str, doubts: Doubts, *, as_texts: bool) -> Cast:
    odd = _odd(name, doubts, LISTS)

    def cast(cell: str) -> Cell | None:
        text = cell.strip()
        values = list_value(text) if text.startswith("[") else None
        if values is None:
            return odd(cell)
        return [scalar_text(value) for value in values] if as_texts else values

    return cast


def _dates(name: str, doubts: Doubts, form: DateForm) -> Cast:
    odd = _odd(name, doubts, DATES)

    def cast(cell: str) -> Cell | None:
        value = form(cell.strip())
        return odd(cell) if value is None else value

    return cast


def _odd(name: str, doubts: Doubts, expected: Expected) -> Cast:
    """Return the reading of cells that do not fit their column: as text, and counted."""

    def cast(cell: str) -> Cell | None:
        text = cell.strip()
        if not text:
            return None
        doubts.odd(name, expected)
        return clean_text(text)

    return cast


def _note_few_others(name: str, texts: Sequence[str], doubts: Doubts) -> None:
    """Note that a column stays text because of a few values among many numbers or dates."""
    if len(texts) < _ENOUGH or holds_codes(name):
        return
    for expected, fits in ((NUMBERS, money), (DATES, iso_date)):
        if sum(fits(text) is not None for text in texts[:_ENOUGH]) < _ENOUGH * 3 // 4:
            continue
        others = [text for text in texts if fits(text) is None]
        if others and len(others) * 10 <= len(texts):
            are = f"is not {expected.one}" if len(others) == 1 else f"are not {expected.many}"
            doubts.column(
                name,
                f"{name!r} stays text: {len(others):,} of its first {len(texts):,} values {are} (the first: {shown(others[0])})",
            )


def _holds_text(value: Cell | None) -> bool:
    return isinstance(value, list) and any(isinstance(entry, str) for entry in value)
