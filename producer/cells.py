r"""Conservative typing of CSV cells: a value that could be a code stays text.

::

    "42" "-7"                     int, up to 15 digits, no leading zero, no plus
    "3.50" "-0.5"                 float, up to 15 digits, no exponent
    "true" "False"                bool
    '["red", "blue"]'             list of str: a JSON array of scalars
    "007" "+1" "1e5" "nan" "1,5"  text, like everything else; "" is not a value

A float holds 15 digits exactly, so no number is altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import orjson

Cell: TypeAlias = str | int | float | bool | list[str]
Cast: TypeAlias = Callable[[str], Cell | None]

_INT = re.compile(r"0|-?[1-9][0-9]{0,14}")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER_STARTS = frozenset("-0123456789")


def cell_value(cell: str) -> Cell | None:
    """Return a cell's typed value; None if it is empty or blank."""
    text = cell.strip()
    if not text:
        return None
    if text[0] in _NUMBER_STARTS and (number := _number(text)) is not None:
        return number
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] == "[" and text[-1] == "]" and (items := _list(text)) is not None:
        return items
    return text


def text_value(cell: str) -> Cell | None:
    """Return a cell of a text column, in which `10` is a size among `S` and `M`; None if it is blank."""
    return cell.strip() or None


def decimal_value(cell: str) -> Cell | None:
    """Return a cell of a column with fractions, in which `45` is one price of many and so a float."""
    value = cell_value(cell)
    return float(value) if type(value) is int else value


def choose_cast(cells: Iterable[str]) -> Cast:
    """Choose how to read a column, from its first cells.

    If one of them is text, the whole column is read as text, so that a filter finds one type; if one has a
    fraction, its numbers are read as floats. Columns of a single type, lists included, are read cell by cell.
    """
    kinds = {type(value) for cell in cells if (value := cell_value(cell)) is not None}
    if len(kinds) > 1 and kinds != {int, float}:
        return text_value
    if kinds == {str}:
        return text_value
    return decimal_value if float in kinds else cell_value


def scalar_text(value: object) -> str:
    """Return a scalar as an entry of a list of texts: numbers and booleans in JSON notation."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def is_scalar_list(values: Sequence[object]) -> bool:
    """Return whether a list holds only texts, numbers and booleans."""
    return all(isinstance(value, str | int | float) for value in values)


def _number(text: str) -> int | float | None:
    if len(text) > 17:
        return None
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and sum(map(str.isdigit, text)) <= 15:
        return float(text)
    return None


def _list(text: str) -> list[str] | None:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return [scalar_text(value) for value in values] if is_scalar_list(values) else None
