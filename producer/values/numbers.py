"""Numbers as people write them: `1.299,00`, `1 299,00`, `1'299.00`, `1,29,999.00`, `20.-`.

A dot or comma before exactly three digits (`1,299`) can mean either; such a number is `ambiguous` until other numbers
of its column show which sign is the decimal one. A number that starts with a zero is a code, not a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_SHAPE = re.compile(
    r"(?:0|[1-9][0-9]{0,14})(?:[ .,'][0-9]{1,15}){0,12}(?:[.,][-\u2013\u2014]{1,2})?"
)
_SEPARATOR = re.compile(r"[ .,']")
_DASHES = re.compile(r"[.,][-\u2013\u2014]{1,2}$")
_ALIKE = str.maketrans({"\xa0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
MAX_CHARS = 40
_MAX_DIGITS = 15
"""A float holds 15 digits exactly."""
_OTHER = {".": ",", ",": "."}


class Written(NamedTuple):
    """A number without a sign, as it was written."""

    text: str  #: Digits, dots and commas only.
    point: str | None = (
        None  #: The decimal sign that the number itself shows, or implies by its groups.
    )
    fraction: bool = False  #: Whether it has decimals.
    ambiguous: bool = False  #: Whether its only sign can be the decimal one or separate thousands.

    def value(self, point: str | None = None) -> float:
        """Return the number; `point` is the decimal sign of an ambiguous one, without it thousands are assumed."""
        from price_parser.parser import parse_number  # noqa: PLC0415 - most catalogs do not need it

        decimal = parse_number(self.text, self.point or (point if self.ambiguous else None))
        return float(self.text if decimal is None else decimal)


def alike(text: str) -> str:
    """Return a text with every kind of blank, apostrophe and minus as its plain one."""
    return text if text.isascii() else text.translate(_ALIKE)


def written(text: str) -> Written | None:
    """Return the number that the whole text is, without a sign; None for anything else."""
    if len(text) > MAX_CHARS or not _SHAPE.fullmatch(text):
        return None
    if sum(map(str.isdigit, text)) > _MAX_DIGITS:
        return None
    whole = _DASHES.sub("", text)
    parts, signs = _SEPARATOR.split(whole), _SEPARATOR.findall(whole)
    return _read(parts, signs) if len(whole) == len(text) else _whole(parts, signs)


def decimal_sign(numbers: Iterable[Written]) -> tuple[str | None, bool]:
    """Return the decimal sign that the numbers show, and whether they contradict each other."""
    shown = {number.point for number in numbers if number.point is not None}
    return (next(iter(shown)), False) if len(shown) == 1 else (None, bool(shown))


def _read(parts: list[str], signs: list[str]) -> Written | None:
    if not signs:
        return Written(parts[0])
    last, others = signs[-1], signs[:-1]
    if last in _OTHER and last not in others:
        if others:
            return _with_groups(parts, others, last)
        return _with_one_sign(parts, last)
    return _whole(parts, signs)


def _whole(parts: list[str], signs: list[str]) -> Written | None:
    if not signs:
        return Written(parts[0])
    sign = signs[0]
    if len(set(signs)) > 1 or not _are_groups(parts, sign):
        return None
    return Written(sign.join(parts) if sign in _OTHER else "".join(parts), _OTHER.get(sign))


def _with_groups(parts: list[str], others: list[str], point: str) -> Written | None:
    if len(set(others)) > 1 or not _are_groups(parts[:-1], others[0]):
        return None
    return Written(f"{''.join(parts[:-1])}{point}{parts[-1]}", point, fraction=True)


def _with_one_sign(parts: list[str], sign: str) -> Written:
    text = sign.join(parts)
    if len(parts[1]) != 3 or len(parts[0]) > 3 or parts[0] == "0":
        return Written(text, sign, fraction=True)
    return Written(text, ambiguous=True)


def _are_groups(parts: list[str], sign: str) -> bool:
    first, *middle, last = parts
    if first == "0" or len(last) != 3:
        return False
    if len(first) <= 3 and all(len(part) == 3 for part in middle):
        return True
    # Indian: 1,29,999
    return sign == "," and len(first) <= 2 and all(len(part) == 2 for part in middle)
