r"""Conservative typing of one text: a value that could be a code stays text.

::

    "42" "-7"                     int, up to 15 digits, no leading zero, no plus
    "3.50" "-0.5"                 float, up to 15 digits, no exponent
    "true" "False"                bool
    '["red", "blue"]' "[1, 2]"    list of texts or of numbers: a JSON array of scalars
    "007" "+1" "1e5" "nan" "1,5"  text, like everything else; "" is not a value

A float holds 15 digits exactly, so no number is altered. What a column's other values say about one of its texts is
decided in `producer.values.casts`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeAlias, TypeGuard

import orjson

from producer.values.texts import clean_text

Cell: TypeAlias = str | int | float | bool | list[str] | list[float]

MAX_EXACT_INT = 2**63 - 1
"""The store's integers have 64 bits."""
INT = re.compile(r"0|-?[1-9][0-9]{0,14}")
FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER_STARTS = frozenset("-0123456789")


def cell_value(cell: str) -> Cell | None:
    """Return a cell's typed value; None if it is empty or blank."""
    text = cell.strip()
    if not text:
        return None
    if text[0] in _NUMBER_STARTS and (number := number_value(text)) is not None:
        return number
    if text in BOOLS:
        return BOOLS[text]
    if text[0] == "[" and text[-1] == "]" and (items := list_value(text)) is not None:
        return items
    return clean_text(text)


def number_value(text: str) -> int | float | None:
    """Return the number that the whole text is, None if it is not a plain one."""
    if len(text) > 17:
        return None
    if INT.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text) and sum(map(str.isdigit, text)) <= 15:
        return float(text)
    return None


def list_value(text: str) -> list[str] | list[float] | None:
    """Return a JSON array of scalars as a list, None for any other text."""
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(values, list) or not is_scalar_list(values):
        return None
    return scalar_list(values)


def scalar_list(values: Sequence[object]) -> list[str] | list[float]:
    """Return scalars as a list of numbers if all of them are, else as a list of texts."""
    numbers = [value for value in values if is_number(value)]
    if numbers and len(numbers) == len(values):
        return numbers
    return text_list(values)


def text_list(values: Sequence[object]) -> list[str]:
    """Return scalars as texts, clean and in their order."""
    return [clean_text(value) if isinstance(value, str) else scalar_text(value) for value in values]


def scalar_text(value: object) -> str:
    """Return a scalar as an entry of a list of texts: numbers and booleans in JSON notation."""
    if isinstance(value, str):
        return value
    # orjson refuses integers of more than 64 bits.
    return str(value) if type(value) is int else orjson.dumps(value).decode()


def is_scalar_list(values: Sequence[object]) -> bool:
    """Return whether a list holds only texts, numbers and booleans."""
    return all(isinstance(value, str | int | float) for value in values)


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a number that the store holds exactly."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) <= MAX_EXACT_INT
    return isinstance(value, float) and math.isfinite(value)
