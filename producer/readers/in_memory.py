"""The reader for objects in memory, such as the items of an HTTP body; a row's line is its number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from producer.readers.base import look_for_names
from producer.row import Row
from producer.row_errors import RowError
from producer.values.payload import flatten
from vitrine.core.types import RejectedRow


class InMemoryRows:
    """The reader for mappings."""

    typed = True
    notes: Sequence[str] = ()

    def __init__(self, objects: Iterable[Mapping[str, Any]], name: str) -> None:
        self._name = name
        self.names, self._rows = look_for_names(name, self._read(objects))

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every object."""
        return self._rows

    def close(self) -> None:
        """Do nothing: no file is open."""

    def _read(self, objects: Iterable[Mapping[str, Any]]) -> Iterator[Row | RejectedRow]:
        for number, values in enumerate(objects, start=1):
            try:
                yield Row(number, flatten(values), 0)
            except RowError as flaw:
                yield flaw.at(self._name, number)
