"""Rows that may share an id or have none, for readers to whom a row is a picture and not an item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from producer.row import Row
from vitrine.core.types import CatalogItem

NO_ID = ""
"""The id of an item whose row has none."""

ItemOf: TypeAlias = Callable[[Row], CatalogItem]
FirstLine: TypeAlias = Callable[[str, int], int | None]
"""Returns the line that had this id before; None for the first."""


def accepting_any_id(item_of: ItemOf, column: str) -> tuple[ItemOf, FirstLine]:
    """Return the function that also makes items of rows without an id in `column`, and the one that takes no id for a duplicate."""

    def any_item(row: Row) -> CatalogItem:
        value = row.values.get(column)
        is_blank = isinstance(value, str) and not value.strip()
        if value is not None and value == value and not is_blank:  # noqa: PLR0124 - NaN is a missing value
            return item_of(row)
        named = row._replace(values=row.values | {column: "-"})
        return replace(item_of(named), id=NO_ID)

    return any_item, lambda _id, _line: None
