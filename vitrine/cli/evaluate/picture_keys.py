"""Names of pictures: their item's id and their position among the item's pictures, over all rows that have the id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from producer.duplicate_ids import SeenIds
from vitrine.core.errors import BadInput

MAX_SHARED_IDS = 1_000_000
"""Ids that several rows may share: their numbers of pictures are kept in memory, about 150 bytes each."""


def picture_key(item_id: str, index: int) -> str:
    """Return the name of a picture: its item's id, plus its position if it is not the item's first."""
    return item_id if index == 0 else f"{item_id}#{index}"


class PictureKeys:
    """Numbers the pictures of each id in the file's order, as `submit --group-by` does; a context manager.

    A picture that its id already had gets no name. Ids and pictures are remembered on disk; only the ids that several
    rows share are in memory.
    """

    def __init__(self) -> None:
        self._ids = SeenIds()
        self._pictures = SeenIds()
        self._next: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ids.close()
        self._pictures.close()

    def of_row(self, item_id: str, sources: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield name and source of each picture of a row that its id did not have before."""
        new = self.new(item_id, sources)
        # The number of pictures takes the place of the line that SeenIds keeps with each id.
        first = self._ids.first_line(item_id, len(new))
        start = 0 if first is None else self._next.get(item_id, first)
        if first is not None:
            self._next[item_id] = start + len(new)
            _refuse_more(len(self._next))
        for index, source in enumerate(new, start):
            yield picture_key(item_id, index), source

    def new(self, item_id: str, sources: Sequence[str]) -> list[str]:
        """Return the pictures that no earlier row with this id had, and remember them."""
        return [
            source
            for source in sources
            if self._pictures.first_line(f"{item_id}\x1f{source}", 0) is None
        ]


def _refuse_more(shared: int) -> None:
    if shared > MAX_SHARED_IDS:
        raise BadInput(
            f"More than {MAX_SHARED_IDS:,} ids have several rows each.",
            hint="Name a column that differs in each row with --id, and the product's column with --group.",
        )
