"""Where the rows of a JSON document are: found in its first bytes, or named by a path of keys.

A path leads through objects by their keys and through arrays without a step of its own; `*` is any key. The objects at its end
are rows, singly or in an array::

    [{…}, {…}]  or  {…} {…}                      ()
    {"data": {"items": [{…}, {…}]}}              data/items
    {"categories": [{"products": [{…}]}]}        categories/products
    {"products": {"17": {…}, "18": {…}}}         products/*
    {"product": {"id": 1, "images": [{…}]}}      product

An object looks like a row if it has the fields that the caller names, else if its fields are named like an id and a picture. Rows are the outermost objects that do, but an
object with a list of products in it is their frame, even if it has an id and a picture too, as feeds have. If no object
looks like a row, rows are the longest array of objects.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from producer.columns import guess_id, guess_images
from producer.presets import recognise
from producer.readers.json.scanner import OPEN_ARRAY, OPEN_OBJECT, JsonFlaw, JsonScanner

Path: TypeAlias = tuple[str, ...]

ANY_KEY = "*"
MAX_LEVELS = 16
"""Levels of objects and arrays that are searched."""
MAX_PLACES = 2000
MAX_NAMES = 1000
LOOKED_AT = 20
"""Objects of one array whose fields are looked at; the others are only counted."""
_LISTS = frozenset({"products", "items", "data", "rows", "results", "records", "entries", "articles", "catalog", "catalogue", "offers", "listings", "produkte", "artikel", "produits", "productos", "prodotti", "resources", "hits", "objects", "feed", "list", "elements", "nodes"})  # fmt: skip
"""Keys of lists of products."""


@dataclass(slots=True)
class Place:
    """The objects at one path."""

    objects: int = 0
    listed: bool = False  #: Whether one is in an array.
    names: dict[str, None] = field(default_factory=dict)


class Outline:
    """The objects in the first bytes of a document, by path."""

    def __init__(self, first: bytes, named: Sequence[str] = ()) -> None:
        """Follow the bytes to their end, or to where they are malformed; rows have the fields `named`, if there are any."""
        self._named = frozenset(named)
        self.places: dict[Path, Place] = {}
        self._items: set[Path] = set()
        self._documents = 0
        self._scanner = JsonScanner(io.BytesIO(first).read)
        with suppress(JsonFlaw):  # the first bytes end anywhere
            while self._scanner.peek() in (OPEN_OBJECT, OPEN_ARRAY):
                self._documents += 1
                self._visit((), 0)

    def row_path(self) -> Path:
        """Return the path of the rows."""
        self._find_items()
        if found := self._outermost():
            best = max(found, key=self._count)
            keyed = [path for path in found if self._is_keyed(path) and path[:-1] == best[:-1]]
            return (*best[:-1], ANY_KEY) if best in keyed and len(keyed) > 1 else best
        if self._documents != 1 or self._is_listed(()):
            return ()
        for path in self.places:
            if self._holds_items_by_key(path):
                return (*path, ANY_KEY)
        outer = [path for path in self.lists() if not self._is_in_list(path)]
        return max(outer, key=self._count, default=())

    def lists(self) -> list[Path]:
        """Return the paths of arrays of objects, for a message."""
        return [path for path in self.places if self._is_listed(path)]

    def _find_items(self) -> None:
        """Find the objects that look like rows, inner ones first: what only holds one is not one."""
        for path in sorted(self.places, key=len, reverse=True):
            if self._looks_like_item(tuple(islice(self._names(path), MAX_NAMES))):
                self._items.add(path)

    def _looks_like_item(self, names: Sequence[str]) -> bool:
        if self._named:
            return self._named.issubset(names)
        has_id = guess_id(names) is not None
        return recognise(names) is not None or (has_id and _has_picture(names))

    def _names(self, path: Path, prefix: str = "") -> Iterator[str]:
        """Yield the fields of the objects at a path, those of objects within them as dotted names."""
        for name in self.places[path].names:
            inner = (*path, name)
            if inner not in self.places or self._is_listed(inner):
                yield f"{prefix}{name}"
            elif inner not in self._items:
                yield from self._names(inner, f"{prefix}{name}.")

    def _outermost(self) -> list[Path]:
        """Return the objects that do not lie within another one, unless that is the frame of a list of products."""
        chosen: dict[Path, None] = {}
        frames: set[Path] = set()
        for path in sorted((path for path in self.places if path in self._items), key=len):
            around = [other for other in _above(path) if other in chosen]
            if self._is_list_of_products(path):
                if any(map(self._is_listed, around)):
                    continue
            elif self._is_part_of_row(path) or not frames.isdisjoint(_above(path)) or around:
                continue
            for frame in around:
                frames.add(frame)
                del chosen[frame]
            chosen[path] = None
        return list(chosen)

    def _is_list_of_products(self, path: Path) -> bool:
        return self._is_listed(path) and path != () and path[-1].casefold() in _LISTS

    def _is_part_of_row(self, path: Path) -> bool:
        """Return whether it is a list within the objects of another one: variants, not products."""
        return self._is_listed(path) and self._is_in_list(path)

    def _is_in_list(self, path: Path) -> bool:
        return any(map(self._is_listed, _above(path)))

    def _holds_items_by_key(self, path: Path) -> bool:
        """Return whether the values of an object are objects with a picture each: their ids are its keys."""
        inner = [(*path, name) for name in self.places[path].names]
        return len(inner) > 1 and all(
            place in self.places
            and self._is_keyed(place)
            and _has_picture(tuple(self._names(place)))
            for place in inner[:LOOKED_AT]
        )

    def _is_keyed(self, path: Path) -> bool:
        return bool(path) and not self._is_listed(path)

    def _is_listed(self, path: Path) -> bool:
        place = self.places.get(path)
        return place is not None and place.listed

    def _count(self, path: Path) -> int:
        return self.places[path].objects

    def _visit(self, path: Path, level: int, *, listed: bool = False) -> None:
        found = self._scanner.peek()
        if level >= MAX_LEVELS or found not in (OPEN_OBJECT, OPEN_ARRAY):
            self._scanner.skip()
        elif found == OPEN_ARRAY:
            for number, _ in enumerate(self._scanner.elements()):
                if number < LOOKED_AT:
                    self._visit(path, level + 1, listed=True)
                else:
                    self._add(path)
                    self._scanner.skip()
        elif (place := self._add(path)) is None:
            self._scanner.skip()
        else:
            place.listed |= listed
            for key in self._scanner.members():
                if len(place.names) < MAX_NAMES:
                    place.names[key] = None
                self._visit((*path, key), level + 1)

    def _add(self, path: Path) -> Place | None:
        """Count one more object; return None if there are too many places."""
        place = self.places.get(path)
        if place is None and len(self.places) < MAX_PLACES:
            place = self.places[path] = Place()
        if place is not None:
            place.objects += self._scanner.peek() == OPEN_OBJECT
        return place


def _above(path: Path) -> list[Path]:
    """Return the paths that lead to a path."""
    return [path[:end] for end in range(len(path))]


def told_path(text: str) -> Path:
    """Return the path that a caller writes, as `data.items`, `data/items`, `$.data.items[*]`; `.` is the whole document."""
    plain = re.sub(r"\[\*?\]", "", text.strip()).removeprefix("$")
    return tuple(part for part in plain.split("/" if "/" in plain else ".") if part)


def shown_path(path: Path) -> str:
    """Return a path as messages name it and `told_path` reads it."""
    return ("/" if any("." in key for key in path) else ".").join(path) or "."


def _has_picture(names: Sequence[str]) -> bool:
    # Beside a column named like a picture, those that could be anything (`url`, `path`) are not guessed.
    return len(guess_images(("image", *names))) > 1
