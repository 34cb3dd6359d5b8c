"""Columns of money, and of numbers with a decimal comma or separated thousands.

A column is one of these if all of its first values are; `1,299` alone does not show whether the comma is a decimal one.
With a currency it is read with thousands, as prices are written, and that is noted; without one the column stays text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from producer.column_names import plain_name
from producer.row_errors import shown
from producer.values.doubts import MONEY, NUMBERS, Doubts
from producer.values.money import CODES, Money, money
from producer.values.numbers import decimal_sign
from producer.values.texts import clean_text

_CODES = re.compile(
    r"(?:.*_)?(?:sizes?|grosse|grossen|tailles?|tallas?|taglia|taglie|maat|maten|rozmiar|storlek|ids?|skus?|eans?|gtins?|isbn|"
    r"upcs?|mpn|barcodes?|codes?|models?|refs?|reference|numbers?|nr|no|phones?|telephone|telefon|tel|fax|zip|plz|postcode|category|categories|tags?|versions?)(?:_.*)?"
)
"""Columns in which `1,5` is a list of ids, and `38,5` and `EUR 38` are sizes."""
_usual = re.compile(r"((?:0|[1-9][0-9]{0,10})\.[0-9]{1,2}) ?([A-Z]{3})").fullmatch
"""`19.99 EUR`, as most feeds write prices: the same as `money` finds, but faster."""


class Amounts:
    """The reading of one column. `point` is the decimal sign that its first values show; None leaves each to itself."""

    def __init__(
        self, name: str, doubts: Doubts, point: str | None, *, is_money: bool, either: bool
    ) -> None:
        """With `either`, the values have different decimal signs, and one that shows none cannot be read."""
        self._name = name
        self._doubts = doubts
        self._point = point
        self._is_money = is_money
        self._either = either

    def value(self, cell: str) -> float | str | None:
        """Return the amount in a cell; a text that is not one stays, and is counted."""
        if (usual := _usual(cell)) is not None and usual[2] in CODES and self._is_money:
            return float(usual[1])
        if (found := self._read(cell)) is not None:
            return found.amount(self._point)
        if not (text := cell.strip()):
            return None
        self._doubts.odd(self._name, MONEY if self._is_money else NUMBERS)
        return clean_text(text)

    def currency(self, cell: str) -> str | None:
        """Return the currency in a cell, None if there is none."""
        if (usual := _usual(cell)) is not None and (code := usual[2]) in CODES:
            return code
        return None if (found := self._read(cell)) is None else found.currency or None

    def _read(self, cell: str) -> Money | None:
        found = money(cell)
        if found is None or (found.currency and not self._is_money):
            return None
        if found.number.ambiguous and (self._either or (self._point is None and found.uncertain)):
            return None
        return found


def holds_codes(name: str) -> bool:
    """Return whether a column is named like one of sizes, ids or other codes, whose numbers are no amounts."""
    return _CODES.fullmatch(plain_name(name)) is not None


def choose_amounts(name: str, texts: Sequence[str], doubts: Doubts) -> tuple[Amounts, bool] | None:
    """Return the reading of a column and whether it has currencies, from its first texts; None for other columns."""
    if holds_codes(name):
        return None
    found: list[Money] = []
    for text in texts:
        if (one := money(text)) is None:
            return None
        found.append(one)
    point, contradicting = decimal_sign(one.number for one in found)
    is_money = any(one.currency for one in found)
    if why := _why_not(texts, found, point, is_money=is_money, contradicting=contradicting):
        doubts.column(name, f"{name!r} stays text: {why}")
        return None
    if not is_money and not any(one.number.fraction for one in found):
        return None
    if point is None and not contradicting and (unclear := _unclear(found)) is not None:
        doubts.column(
            name,
            f"{name!r} is read with thousands: {shown(texts[unclear])} is {found[unclear].amount():.0f}",
        )
    return Amounts(name, doubts, point, is_money=is_money, either=contradicting), is_money


def _why_not(
    texts: Sequence[str],
    found: Sequence[Money],
    point: str | None,
    *,
    is_money: bool,
    contradicting: bool,
) -> str | None:
    """Return why a column of numbers cannot be read as such, None if it can or is none."""
    if contradicting and not is_money:
        return "some of its numbers have a decimal comma, others a decimal point"
    unclear = _unclear(found)
    if unclear is None or point is not None:
        return None
    if is_money and not contradicting and not any(one.uncertain for one in found):
        return None
    return f"the sign in {shown(texts[unclear])} can separate decimals or thousands, and no other value shows which"


def _unclear(found: Sequence[Money]) -> int | None:
    """Return the first number whose only sign can mean either."""
    return next((place for place, one in enumerate(found) if one.number.ambiguous), None)
