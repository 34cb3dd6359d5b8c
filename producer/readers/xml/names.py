"""Short names for the fields of XML rows, the same in every row.

A field's key has the names of its elements as they are in the document, with prefixes, and `@` before an attribute:
`g:shipping.g:price`, `image.@url`. Its short name has neither, unless two fields of a row would have the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from producer.readers.xml.parser import local_name
from producer.row_errors import RowError

_MAX_CACHED = 20_000


class FieldNames:
    """The names given so far; `changes` gets a clause for each key that lost its short name."""

    def __init__(self, row_name: str, changes: list[str]) -> None:
        self._row_name = row_name
        self._changes = changes
        self._kept: dict[str, str] = {}  # keys whose short name another field has
        self._cache: dict[str, str] = {}

    def of(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return a row's values by name instead of by key; raise `RowError` if too many names are doubled."""
        names = self._cache
        try:
            named = {names[key]: value for key, value in found.items()}
        except KeyError:
            self._fill_cache(found)
            return self.of(found)
        if len(named) < len(found):
            self._keep_apart(found)
            return self.of(found)
        return named

    def _fill_cache(self, found: Iterable[str]) -> None:
        if len(self._cache) > _MAX_CACHED:
            self._cache.clear()
        for key in found:
            self._cache[key] = self._kept.get(key) or short_name(key)

    def _keep_apart(self, found: Iterable[str]) -> None:
        """Give the long form to all fields of one short name but one: the one without prefixes if there is one."""
        if len(self._kept) > _MAX_CACHED:
            raise RowError("too many fields differ only in their prefixes", code="bad_value")
        owners: dict[str, str] = {}
        for key in sorted(found, key=_marks):
            short = self._cache[key]
            if owners.setdefault(short, key) != key:
                long = self._long(key, owners)
                self._kept[key] = self._cache[key] = long
                owners[long] = key
                self._changes.append(f"{long} is not the same field as {short}")

    def _long(self, key: str, taken: Mapping[str, str]) -> str:
        name = f"{self._row_name}.{key[1:]}" if key.startswith("@") else key
        while name in taken:
            name = f"{name}_2"
        return name


def short_name(key: str) -> str:
    """Return a key without prefixes and marks of attributes."""
    return ".".join(local_name(part).lstrip("@") for part in key.split("."))


def _marks(key: str) -> int:
    return key.count(":") + key.count("@")
