"""Rows with one id, merged into one item: what `--group-by` and platforms with a row for each variant or picture need.

The item has the pictures of all its rows in their order, each once. A field whose rows agree keeps its value; one whose rows differ
holds a list of the different values in their order, numbers as numbers. Blank cells say nothing.

Rows of one item usually follow each other. Up to `MAX_APART` rows of others may stand between two of them; the memory is bounded by
that and by `MAX_WEIGHT`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from producer.limits import MAX_IMAGES_PER_ITEM
from producer.row import Row
from producer.row_errors import FileBrokenOff, RowError
from producer.values.cells import scalar_text
from producer.values.doubts import Doubts, Place
from producer.values.payload_size import fit_payload
from vitrine.core.types import CatalogItem, PayloadValue, RejectedRow

MAX_APART = 10_000
"""Rows that may stand between two rows of one item."""
MAX_ITEM_WEIGHT = 4 * 1024 * 1024
"""Characters of one item's rows that are kept; an item with more of them is rejected, however many rows it has."""
MAX_WEIGHT = 64 * 1024 * 1024
"""Characters of the rows that wait for more of their item; beyond it the oldest item is complete."""


_Key: TypeAlias = tuple[bool, PayloadValue]


@dataclass(slots=True)
class RowGroup:
    """The rows of one item so far."""

    id: str
    line: int  #: Of its first row.
    last: int  #: The number of the row that was added last.
    rows: int = 0
    weight: int = 0
    images: dict[str, None] = field(default_factory=dict)
    values: dict[str, dict[_Key, PayloadValue]] = field(default_factory=dict)
    """Different values by field, in order."""

    def add(self, item: CatalogItem, number: int) -> int:
        """Add a row and return the characters it takes."""
        self.rows += 1
        self.last = number
        if self.weight > MAX_ITEM_WEIGHT:
            return 0
        weight = 0
        for url in item.images:
            if url not in self.images:
                self.images[url] = None
                weight += len(url)
        for name, value in item.payload.items():
            kept = self.values.setdefault(name, {})
            for one in value if isinstance(value, list) else (value,):
                # By kind too: 1 and true are different values, 1 and 1.0 are not.
                if (key := (isinstance(one, bool), one)) not in kept:
                    kept[key] = one
                    weight += len(one) if isinstance(one, str) else 8
        self.weight += weight
        return weight

    def merged(self, images_field: str, doubts: Doubts | None = None) -> CatalogItem:
        """The item of all rows; raises `RowError` if it has no picture, too many of them, or too large a payload.

        Texts that were cut are counted in `doubts`.
        """
        if self.weight > MAX_ITEM_WEIGHT:
            raise RowError(
                f"the {self.rows} rows of {self.id!r} differ in more than {MAX_ITEM_WEIGHT // 2**20} MiB; is it the id of one item?",
                field=images_field,
                code="payload_too_large",
            )
        if not self.images:
            raise RowError(
                f"expected at least one picture in the {self.rows} rows of {self.id!r}, found none",
                field=images_field,
                code="no_image",
            )
        if len(self.images) > MAX_IMAGES_PER_ITEM:
            raise RowError(
                f"expected at most {MAX_IMAGES_PER_ITEM} pictures in the {self.rows} rows of {self.id!r}, "
                f"found {len(self.images)}",
                field=images_field,
                code="too_many_images",
            )
        payload = {name: _joined(list(kept.values())) for name, kept in self.values.items()}
        for name in fit_payload(payload):
            if doubts is not None:
                doubts.cut(name, Place(None, self.line))
        return CatalogItem(self.id, tuple(self.images), payload, rows=self.rows)


class RowGroups:
    """The items that may get more rows; one pass over a catalog."""

    def __init__(self, *, max_apart: int = MAX_APART, max_weight: int = MAX_WEIGHT) -> None:
        self._open: OrderedDict[str, RowGroup] = OrderedDict()
        self._max_apart = max_apart
        self._max_weight = max_weight
        self._weight = 0
        self._number = 0

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._open

    def add(self, item: CatalogItem, line: int) -> Iterable[RowGroup]:
        """Add a row, and return the groups that are complete by now, the oldest first."""
        self._number += 1
        group = self._open.get(item.id)
        if group is None:
            group = self._open[item.id] = RowGroup(item.id, line, self._number)
        self._weight += group.add(item, self._number)
        self._open.move_to_end(item.id)
        return self._complete()

    def rest(self) -> Iterator[RowGroup]:
        """Every group that is left, at the end of the catalog."""
        while self._open:
            yield self._pop()

    def _complete(self) -> list[RowGroup]:
        done: list[RowGroup] = []
        while len(self._open) > 1 and self._is_complete(next(iter(self._open.values()))):
            done.append(self._pop())
        return done

    def _is_complete(self, oldest: RowGroup) -> bool:
        return self._number - oldest.last > self._max_apart or self._weight > self._max_weight

    def _pop(self) -> RowGroup:
        _, group = self._open.popitem(last=False)
        self._weight -= group.weight
        return group


class RowsUntilBreak:
    """Rows up to the place where their file breaks off, so that the items read so far come before the error."""

    def __init__(self, rows: Iterable[Row | RejectedRow]) -> None:
        self._rows = rows
        self._break: FileBrokenOff | None = None

    def __iter__(self) -> Iterator[Row | RejectedRow]:
        try:
            yield from self._rows
        except FileBrokenOff as error:
            self._break = error

    def raise_break(self) -> None:
        """Raise `FileBrokenOff` if the file broke off."""
        if self._break is not None:
            raise self._break


def _joined(values: list[PayloadValue]) -> PayloadValue:
    if len(values) == 1:
        return values[0]
    numbers = [
        value for value in values if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return numbers if len(numbers) == len(values) else [scalar_text(value) for value in values]
