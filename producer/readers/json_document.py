"""JSON documents: an array of objects, an object with such an array in it, or a single object, which is one row.

The document may be of any length: its rows are found one by one (`producer.readers.json.scanner`) and parsed by orjson, so
their values are those of JSON Lines. Objects one after another, on one line or on several, are rows too. Where rows are
is found in the first bytes (`producer.readers.json.outline`) unless the caller names it. A row's line is its number.

A malformed or overlong object costs its row. A document that breaks off, or in which what is between the objects is malformed,
ends there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from producer.limits import MAX_ROW_CHARS
from producer.readers.base import ReadingOptions, look_for_names
from producer.readers.json.outline import ANY_KEY, Outline, Path, shown_path, told_path
from producer.readers.json.scanner import END, OPEN_ARRAY, OPEN_OBJECT, JsonFlaw, JsonScanner
from producer.readers.json.utf8 import READ_ERRORS, Utf8Stream
from producer.row import Row
from producer.row_errors import FileBrokenOff, RowError, reason, shown
from producer.source import OpenedSource
from producer.values.payload import flatten
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow

LOOK_BYTES = 256 * 1024
"""How much of a document is searched for its rows."""
KEY_FIELD = "key"
"""The field with the key of a row that has one instead of a place in an array."""
_MAX_ARRAYS = 16
"""Arrays within arrays that are followed to rows."""
_MOST_NOTED = 5


class JsonDocument:
    """The reader for JSON documents; the field names are those of the first rows."""

    typed = True

    def __init__(self, opened: OpenedSource, name: str, reading: ReadingOptions) -> None:
        """Find the rows; raise `BadInput` if there are none."""
        self._opened = opened
        self._name = name
        self._stream = Utf8Stream(opened.stream, opened.head, reading.encoding, reading.skip)
        self._asked = reading.row
        self._outline = Outline(self._stream.peek(LOOK_BYTES), reading.named)
        self._path = self._outline.row_path() if reading.row is None else told_path(reading.row)
        self._scanner = JsonScanner(self._stream.read)
        self._number = 0
        self._passed_over: dict[str, None] = {}
        self.names, self._rows = look_for_names(name, self._read())

    @property
    def notes(self) -> Sequence[str]:
        """Return where the rows are, and which other objects were not read."""
        notes = list(self._stream.notes)
        if self._asked is None and self._path:
            notes.append(self._choice())
        if self._passed_over:
            others = ", ".join(self._passed_over)
            notes.append(
                f"the objects at {others} were not read; --row reads those of another place"
            )
        return notes

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every object."""
        return self._rows

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def _choice(self) -> str:
        if self._path[-1] == ANY_KEY:
            parent = shown_path(self._path[:-1])
            return (
                f"the rows are the values of the object at {shown(parent)}; their keys are the field {KEY_FIELD!r} "
                "of those without one"
            )
        return f"the rows are the objects at {shown(shown_path(self._path))}; --row . reads the whole document as one"

    def _read(self) -> Iterator[Row | RejectedRow]:
        scanner = self._scanner
        try:
            while (found := scanner.peek()) != END:
                if found not in (OPEN_OBJECT, OPEN_ARRAY):
                    raise scanner.unexpected("an object or an array")
                yield from self._values(0, 0)
        except JsonFlaw as flaw:
            raise self._broken(str(flaw)) from flaw
        except READ_ERRORS as error:
            raise self._broken(f"the file cannot be read further: {reason(error)}") from error
        if self._number == 0:
            raise self._no_rows()

    def _values(
        self, keys: int, arrays: int, key: str | None = None
    ) -> Iterator[Row | RejectedRow]:
        """Yield the rows in the value that begins here; it lies below `keys` keys of the path."""
        scanner, found = self._scanner, self._scanner.peek()
        if keys == len(self._path):
            yield from self._rows_at(found, key)
        elif found == OPEN_ARRAY and arrays < _MAX_ARRAYS:
            for _ in scanner.elements():
                yield from self._values(keys, arrays + 1)
        elif found == OPEN_OBJECT:
            wanted = self._path[keys]
            for name in scanner.members():
                if wanted in (name, ANY_KEY):
                    yield from self._values(keys + 1, arrays, name)
                else:
                    self._pass_over((*self._path[:keys], name))
        else:
            scanner.skip()

    def _rows_at(self, found: int, key: str | None) -> Iterator[Row | RejectedRow]:
        if found == OPEN_ARRAY:
            for _ in self._scanner.elements():
                yield self._row(None)
        elif not self._path or self._path[-1] != ANY_KEY:
            yield self._row(None)
        elif found == OPEN_OBJECT:
            yield self._row(key)
        else:
            self._scanner.skip()

    def _row(self, key: str | None) -> Row | RejectedRow:
        raw = self._scanner.value(MAX_ROW_CHARS)
        self._number += 1
        if raw is None:
            flaw = RowError(
                f"the row is longer than {MAX_ROW_CHARS // 2**20} MiB", code="row_too_long"
            )
            return flaw.at(self._name, self._number)
        try:
            values = flatten(_object(raw))
        except RowError as flaw:
            return flaw.at(self._name, self._number)
        if key is not None:
            values.setdefault(KEY_FIELD, key)
        return Row(self._number, values, len(raw))

    def _pass_over(self, path: Path) -> None:
        """Skip a value, and note it if it has objects in an array."""
        scanner = self._scanner
        if scanner.peek() != OPEN_ARRAY:
            scanner.skip()
            return
        for _ in scanner.elements():
            if scanner.peek() == OPEN_OBJECT and len(self._passed_over) < _MOST_NOTED:
                self._passed_over[shown(shown_path(path))] = None
            scanner.skip()

    def _broken(self, why: str) -> FileBrokenOff:
        return FileBrokenOff(self._name, self._number + 1, why)

    def _no_rows(self) -> BadInput:
        if self._asked is None:
            return BadInput(f"{self._name} holds no rows.")
        lists = [shown_path(path) for path in self._outline.lists()][:_MOST_NOTED]
        there = f"; it has arrays of objects at {', '.join(map(shown, lists))}" if lists else ""
        return BadInput(f"{self._name} has no object at {shown(shown_path(self._path))}{there}.")


def _object(raw: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _malformed(raw, error) from error
    if not isinstance(found, dict):
        raise RowError(f"expected a JSON object, found {shown(found)}")
    return found


def _malformed(raw: bytes, error: orjson.JSONDecodeError) -> RowError:
    try:
        text = raw.decode()
    except UnicodeDecodeError as bad:
        return RowError(
            f"expected UTF-8, found the byte 0x{raw[bad.start]:02X} after {shown(raw[: bad.start].decode()[-20:])}; "
            "name the file's encoding, or save it as UTF-8",
            code="bad_encoding",
        )
    return RowError(
        f"expected a JSON object, found {shown(text[error.pos : error.pos + 20])} at its character {error.pos + 1}: {error.msg}"
    )
