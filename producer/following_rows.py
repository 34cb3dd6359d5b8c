"""Rows without an id of their own, which belong to the product above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from producer.presets import Preset, matching
from producer.row import Row
from producer.row_errors import RowError, shown


@dataclass(slots=True)
class FollowingRows:
    """Gives rows without an id of their own, a product's pictures and variants, the id of the product above."""

    column: str
    product: str
    id: str
    above: object = None

    @classmethod
    def of(
        cls, names: Sequence[str], preset: Preset | None, id_column: str
    ) -> FollowingRows | None:
        if preset is None or preset.follows is None:
            return None
        pattern, product = preset.follows
        column = next(matching(names, (pattern,)), None)
        return None if column is None else cls(column, product, id_column)

    def row(self, row: Row) -> Row:
        """The row under its product's id; raises `RowError` if no product is above it."""
        kind = str(row.values.get(self.column) or "").strip()
        if kind.casefold() == self.product:
            self.above = row.values.get(self.id)
            return row
        if self.above is None:
            raise RowError(
                f"a row of {shown(kind)} without a product above it",
                field=self.column,
                code="malformed_row",
            )
        return row._replace(values=row.values | {self.id: self.above})
