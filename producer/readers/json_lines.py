"""JSON Lines: one object per line, nested objects flattened into dotted names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from producer.readers.base import look_for_names
from producer.row import Row
from producer.row_errors import RowError, shown
from producer.source import OpenedSource
from producer.text.lines import Lines
from producer.values.payload import flatten
from vitrine.core.types import RejectedRow


class JsonLines:
    """The reader for JSON Lines; the field names are those of the first rows."""

    typed = True

    def __init__(self, opened: OpenedSource, name: str, encoding: str | None = None) -> None:
        self._opened = opened
        self._name = name
        self._lines = Lines(opened.stream, opened.head, name, encoding)
        self.notes: Sequence[str] = self._lines.notes
        self.names, self._rows = look_for_names(name, self._read())

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every object."""
        return self._rows

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
        self._opened.close()

    def _read(self) -> Iterator[Row | RejectedRow]:
        lines = self._lines
        while True:
            lines.begin_row()
            try:
                line = next(lines, None)
                if line is None:
                    return
                if line.isspace():
                    continue
                yield Row(lines.row_start, self._object(line), len(line))
            except RowError as flaw:
                yield flaw.at(self._name, lines.row_start)

    def _object(self, line: str) -> dict[str, object]:
        if (flaw := self._lines.take_flaw()) is not None:
            raise flaw
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise RowError(
                f"expected a JSON object on one line, found {shown(line.rstrip())}: {error.msg} "
                f"at character {error.pos + 1}"
            ) from error
        if not isinstance(found, dict):
            raise RowError(f"expected a JSON object, found {shown(found)}")
        return flatten(found)
