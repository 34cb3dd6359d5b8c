"""How to read the columns of typed rows (JSON, Parquet), decided by their first values.

Numbers, booleans and lists have their type already. Texts that all are dates or amounts of money are read as those,
and plain numbers too in a column of prices; a title `5 EUR` among other titles stays. Later values of another kind are
kept and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from producer.column_names import plain_name
from producer.values.casts import Column, choose_amount, choose_column, choose_date
from producer.values.doubts import BOOLEANS, DATES, LISTS, MONEY, NUMBERS, TEXTS, Doubts, Expected
from vitrine.core.types import PayloadValue

_PRICES = re.compile(
    r"(?:.*_)?(?:prices?|preis|prix|precio|prezzo|preco|prijs|pris|cena|cenas?|amount|cost|msrp|rrp)(?:_.*)?"
)
_EXPECTED = {int: NUMBERS, float: NUMBERS, bool: BOOLEANS, str: TEXTS, list: LISTS}


class TypedColumn(NamedTuple):
    """The reading of one column: of the kind `expected`, whose types are `fitting`; texts are read by `column`, if given."""

    expected: Expected
    fitting: frozenset[type]
    column: Column | None = None


def choose_typed(name: str, values: Iterable[PayloadValue], doubts: Doubts) -> TypedColumn | None:
    """Choose how to read a column from its first values, None if they differ in kind or there are none."""
    found = [value for value in values if value is not None]
    expected = {_EXPECTED[type(value)] for value in found}
    texts = [value for value in found if isinstance(value, str)]
    if texts and expected <= {TEXTS, NUMBERS}:
        if len(texts) == len(found) and (dates := choose_date(name, texts, doubts)) is not None:
            return TypedColumn(DATES, frozenset(), dates)
        if (amounts := _amounts(name, texts, doubts)) is not None:
            return TypedColumn(
                MONEY if amounts.currency else NUMBERS, frozenset((int, float)), amounts
            )
    if len(expected) != 1:
        return None
    kind = expected.pop()
    return TypedColumn(kind, frozenset(one for one, of in _EXPECTED.items() if of is kind))


def _amounts(name: str, texts: list[str], doubts: Doubts) -> Column | None:
    if _PRICES.fullmatch(plain_name(name)):
        return _numbers(name, texts, doubts)
    found = choose_amount(name, texts, doubts)
    return None if found is None or found.currency is None else found


def _numbers(name: str, texts: list[str], doubts: Doubts) -> Column | None:
    column = choose_column(name, texts, doubts)
    return column if all(isinstance(column.cast(text), int | float) for text in texts) else None
