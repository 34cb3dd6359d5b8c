"""Which element of an XML document is a row, judged by the beginning of the document.

A row is an element that repeats under one parent and has children. If several do, one with a usual name (`item`, `entry`,
`product`) is taken, then the one that takes most of the document. A usual name counts for less in a part of a larger repeated
element: a product's `item`s are not the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from producer.readers.xml.parser import MAX_DEPTH, SafeParser, XmlFlaw, local_name

Path: TypeAlias = tuple[str, ...]

MAX_ROW_LEVEL = 12
"""Elements further down are not taken for rows."""
MAX_PATHS = 10_000
"""Different paths that are remembered."""
LISTED = 6
"""Paths that a message names."""
_USUAL_NAMES = frozenset(
    {
        "advert", "artikel", "article", "entry", "item", "listing", "offer", "offre", "prodotto", "producto", "product",
        "produit", "produkt", "produto", "record", "row", "shopitem", "tovar", "vehicle",
    }
)  # fmt: skip


@dataclass(slots=True)
class Seen:
    """What was seen of the elements of one path."""

    size: int = 0
    repeats: bool = False  #: Under one parent.
    has_children: bool = False
    has_attributes: bool = False  #: Two of them at least: a row can consist of attributes.


@dataclass(slots=True)
class _Open:
    start: int
    seen: Seen
    inner: dict[str, int] = field(default_factory=dict)


class Outline(SafeParser):
    """The paths of a document's beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.flaw: XmlFlaw | None = None  #: What ended it early.
        self._paths: dict[Path, Seen] = {}
        self._path: list[str] = []
        self._open: list[_Open] = []
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end

    def look_at(self, data: bytes, *, final: bool = False) -> None:
        """Parse the next bytes; a flaw is kept, and so are the paths before it."""
        try:
            self.feed(data, final=final)
        except XmlFlaw as flaw:
            self.flaw = flaw

    def row(self) -> Path | None:
        """Return the path of the rows, None if no element is like one."""
        likely = [
            (rank, seen.size, path)
            for path, seen in self._paths.items()
            if (rank := self._rank(path, seen))
        ]
        return max(likely, key=lambda one: one[:2])[2] if likely else None

    def repeated(self) -> list[str]:
        """Return the paths that repeat, those with children first, for messages; all paths if none does."""
        ranked = sorted(
            (not seen.repeats, not seen.has_children, position, path)
            for position, (path, seen) in enumerate(self._paths.items())
        )
        only_repeated = [path for single, _, _, path in ranked if not single]
        return ["/".join(path) for path in only_repeated or [path for *_, path in ranked]]

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        local = local_name(name)
        self._path.append(local)
        if len(self._path) > MAX_ROW_LEVEL:
            self._check_depth()
            return
        seen = self._seen(tuple(self._path))
        seen.has_attributes |= len(attrs) > 1
        if self._open:
            parent = self._open[-1]
            parent.seen.has_children = True
            parent.inner[local] = parent.inner.get(local, 0) + 1
            seen.repeats |= parent.inner[local] > 1
        self._open.append(_Open(self.expat.CurrentByteIndex, seen))

    def _seen(self, path: Path) -> Seen:
        if path not in self._paths and len(self._paths) >= MAX_PATHS:
            return Seen()
        return self._paths.setdefault(path, Seen())

    def _end(self, _: str) -> None:
        if len(self._path) <= MAX_ROW_LEVEL:
            done = self._open.pop()
            done.seen.size += self.expat.CurrentByteIndex - done.start
        self._path.pop()

    def _check_depth(self) -> None:
        if len(self._path) > MAX_DEPTH:
            raise self.too_deep()

    def _rank(self, path: Path, seen: Seen) -> int:
        usual = path[-1].casefold() in _USUAL_NAMES
        if seen.repeats and seen.has_children:
            return 4 if usual and not self._is_a_part(path, seen) else 3
        if len(path) > 1 and usual and seen.has_children:
            return 2
        return 1 if seen.repeats and seen.has_attributes else 0

    def _is_a_part(self, path: Path, seen: Seen) -> bool:
        """Whether it takes less than half of a repeated element that it is in."""
        above = (self._paths[path[:level]] for level in range(1, len(path)))
        return any(one.repeats and one.size > 2 * seen.size for one in above)
