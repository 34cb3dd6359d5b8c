"""The fields of a row of XML: elements and attributes as names with values, the same names in every row.

::

    <g:price>9.90</g:price>                              price = "9.90"
    <shipping><country>DE</country></shipping>           shipping.country = "DE"
    <image url="…"/>  <price currency="EUR">9</price>    image.url = "…", price = "9", price.currency = "EUR"
    <tag>a</tag><tag>b</tag>                             tag = ["a", "b"]
    <images><image>a</image></images>                    images = ["a"]: a plural holds a list, even of one
    <shipping>…</shipping><shipping>…</shipping>         shipping = [{…}, {…}], also in rows that have only one
    <link rel="enclosure" href="…"/>                     enclosure.url = "…", as RSS has it
    <text>a <b>c</b> d</text>                            text = "a c d"

Names have no prefix. If a row has a field both with and without one (`title`, `g:title`), the prefix is kept from there on; the
first rows are looked at before any is read, so that this usually holds for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from producer.limits import MAX_CELL_CHARS, MAX_NESTING
from producer.readers.xml.builder import Children, Node
from producer.readers.xml.elements import RowElement
from producer.readers.xml.names import FieldNames, short_name
from producer.readers.xml.parser import local_name
from producer.row_errors import RowError

_MAX_LISTED = 20_000
_IGNORED = ("xmlns", "xsi:")
"""Attributes that describe the document, by the beginning of their names."""
_LINK_FIELDS = {"href": "url"}
_PLURAL = re.compile(
    r"(?=.)(?:e?s|e?n|er|e|y|i|a)?(?:[_-]?(?:list|array|set|collection|urls|group))?"
)
"""What makes a plural, in the languages of feeds."""
MAX_NOTES = 10
LISTED = 6
"""Changes that one note names."""


class _Place(NamedTuple):
    """Where elements are added."""

    found: dict[str, Any]
    prefix: str  #: Of their keys in `found`.
    path: str  #: In the row: the same, unless they are in an object of a list.
    levels: int  #: That elements in them can be nested.

    def inside(self, name: str) -> _Place:
        return _Place(self.found, f"{self.prefix}{name}.", f"{self.path}{name}.", self.levels - 1)


class FieldsOf:
    """Turns row elements into fields; it learns from each row which names are doubled and which elements repeat."""

    def __init__(self, row_name: str) -> None:
        self._row_name = row_name
        self._changes: list[str] = []
        self._names = FieldNames(row_name, self._changes)
        self._listed: set[str] = set()  # paths of elements with children that repeat in a row
        self._learnt = False
        self.notes: list[str] = []  #: Fields whose names changed after the first rows.

    def learn(self, rows: Iterable[RowElement]) -> None:
        """Look at rows before they are read."""
        for row in rows:
            try:
                self.values(row)
            except RowError:
                continue
        self.notes.clear()

    def values(self, row: RowElement) -> dict[str, Any]:
        """Return a row's fields; raise `RowError` if it is nested too deep or a text is too long."""
        if row.flaw is not None:
            raise row.flaw
        found = self._raw(row)
        while self._learnt:
            self._learnt = False
            found = self._raw(row)
        values = self._names.of(found)
        if self._changes:
            self._note_changes(row.line)
        if row.size > MAX_CELL_CHARS:
            _check_lengths(values)
        return values

    def _raw(self, row: RowElement) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if row.attrs:
            _add_attributes(found, "", row.attrs)
        self._add_all(_Place(found, "", "", MAX_NESTING), row.children)
        return found

    def _add_all(self, place: _Place, nodes: Iterable[Any]) -> None:
        found, prefix, _, _ = place
        nested: set[str] = set()
        for node in nodes:
            if isinstance(node, str):  # beside the fields of a row
                _add(found, self._row_name, node.strip())
                continue
            name, attrs, text, children = node
            if attrs or children:
                self._add_element(place, node, nested)
                continue
            key = prefix + name
            if key in found:
                _add(found, key, text.strip())
            else:
                found[key] = text.strip()

    def _add_element(self, place: _Place, node: Node, nested: set[str]) -> None:
        """Add an element with attributes or children; `nested` has the paths of those before it that have children."""
        name, attrs, text, children = node
        found, prefix, _, _ = place
        if "rel" in attrs and "href" in attrs and local_name(name) == "link":
            _add_link(found, prefix, attrs)
            return
        _add_attributes(found, f"{prefix}{name}.", attrs)
        if not children:
            if text and not text.isspace():
                _add(found, prefix + name, text.strip())
        elif _is_mixed(children):
            _add(found, prefix + name, _whole_text(node))
        else:
            self._add_children(place.inside(name), children, nested)

    def _add_children(self, place: _Place, children: Children, nested: set[str]) -> None:
        """Add an element's children; `place` is inside the element."""
        key = place.prefix[:-1]
        if place.levels < 0:
            raise _too_deep(key)
        if _is_list(place.path[:-1].rpartition(".")[2], children):
            self._add_members(place, key, children)
        elif place.path in self._listed:
            _append(place.found, key, self._object(place, children, {}))
        else:
            if place.path in nested:
                self._learn_repeated(place.path)
            nested.add(place.path)
            self._add_all(place, children)

    def _add_members(self, place: _Place, key: str, nodes: Iterable[Node]) -> None:
        """Add the elements in a plural: texts or objects."""
        for node in nodes:
            name, attrs, _, children = node
            if children and not _is_mixed(children):
                own: dict[str, Any] = {}
                _add_attributes(own, "", attrs)
                _append(place.found, key, self._object(place.inside(name), children, own))
                continue
            _add_attributes(place.found, place.prefix, attrs)
            if text := _whole_text(node):
                _append(place.found, key, text)

    def _object(self, place: _Place, children: Children, found: dict[str, Any]) -> dict[str, Any]:
        if place.levels < 0:
            raise _too_deep(place.prefix[:-1])
        self._add_all(place._replace(found=found, prefix=""), children)
        return self._names.of(found)

    def _note_changes(self, line: int) -> None:
        if len(self.notes) < MAX_NOTES:
            self.notes.append(f"From line {line} on, {', '.join(self._changes[:LISTED])}.")
        self._changes.clear()

    def _learn_repeated(self, path: str) -> None:
        if len(self._listed) >= _MAX_LISTED:
            raise RowError("too many different elements repeat in this file", code="bad_value")
        self._listed.add(path)
        self._changes.append(f"{short_name(path[:-1])} is a list")
        self._learnt = True


def _add(found: dict[str, Any], key: str, text: str) -> None:
    """Add a text: a second one makes a list, and an empty one adds nothing to others."""
    before = found.setdefault(key, "")
    if not before:
        found[key] = text
    elif text and isinstance(before, list):
        before.append(text)
    elif text:
        found[key] = [before, text]


def _append(found: dict[str, Any], key: str, value: Any) -> None:
    before = found.get(key)
    if isinstance(before, list):
        before.append(value)
    else:
        found[key] = [before, value] if before else [value]


def _add_attributes(found: dict[str, Any], prefix: str, attrs: Mapping[str, str]) -> None:
    for name, value in attrs.items():
        if not name.startswith(_IGNORED):
            _add(found, f"{prefix}@{name}", value.strip())


def _add_link(found: dict[str, Any], prefix: str, attrs: Mapping[str, str]) -> None:
    """Add a link of Atom by what it is: the page is `link`, an enclosure is `enclosure.url`."""
    kind = attrs["rel"].strip() or "alternate"
    if kind == "alternate":
        _add(found, f"{prefix}link", attrs["href"].strip())
        return
    for name, value in attrs.items():
        if name != "rel":
            _add(found, f"{prefix}{kind}.@{_LINK_FIELDS.get(name, name)}", value.strip())


def _is_mixed(children: Children) -> bool:
    return any(isinstance(child, str) for child in children)


def _whole_text(node: Node) -> str:
    """Return the text of an element, that of elements in it included."""
    if not node[3]:
        return node[2].strip()
    return " ".join("".join(_texts(node)).split())


def _too_deep(key: str) -> RowError:
    return RowError(
        f"elements nested more than {MAX_NESTING} deep", field=short_name(key), code="bad_value"
    )


def _texts(node: Node) -> Iterator[str]:
    """Yield the texts in an element, in their order, however deep they are."""
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        else:
            yield one[2]
            waiting.extend(reversed(one[3] or ()))


def _is_list(name: str, nodes: Iterable[Any]) -> bool:
    """Whether an element is the plural of those within: `images` of `image`."""
    members = {local_name(node[0]) for node in nodes}
    if len(members) != 1:
        return False
    plural, singular = local_name(name).casefold(), members.pop().casefold()
    if singular.endswith("y") and plural.startswith(f"{singular[:-1]}ies"):
        return True
    return plural.startswith(singular) and bool(_PLURAL.fullmatch(plural[len(singular) :]))


def _check_lengths(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and len(text) > MAX_CELL_CHARS:
                raise RowError(
                    f"a text of more than {MAX_CELL_CHARS // 2**20} MiB",
                    field=name,
                    code="row_too_long",
                )
