"""What is inside a row, put together from a parser's events.

The handlers are called for every element of a document, so they do little: an element without children costs one tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Node: TypeAlias = tuple[str, dict[str, str], str, "list[Any] | None"]
"""An element: its name with prefix, attributes, text, and children. A child is a `Node`, or a text that is mixed with elements."""
Children: TypeAlias = list[Any]


class RowBuilder:
    """Collects the children of one row after another; calls `row_ends` with them at each row's end tag."""

    __slots__ = ("_leaf", "_pieces", "_row_ends", "_siblings", "_stack", "elements", "text")

    def __init__(self, row_ends: Callable[[Children], None]) -> None:
        self._row_ends = row_ends
        self._pieces: list[str] = []
        self._stack: list[tuple[dict[str, str], Children]] = []
        self._siblings: Children = []
        self._leaf: dict[str, str] | None = (
            None  # the attributes of an open element without a child
        )
        self.elements = 0  #: Elements of the row so far.
        self.text = self._pieces.append  #: The handler of texts.

    @property
    def depth(self) -> int:
        """Return how many elements of the row are open."""
        return len(self._stack) + (self._leaf is not None)

    def start(self, _: str, attrs: dict[str, str]) -> None:
        """Handle a start tag."""
        self.elements += 1
        if self._leaf is not None:
            self._stack.append((self._leaf, self._siblings))
            self._siblings = []
        self._leaf = attrs
        if pieces := self._pieces:
            if len(pieces) == 1 and pieces[0].isspace():
                pieces.clear()
            else:
                self._add_text()

    def end(self, name: str) -> None:
        """Handle an end tag."""
        pieces, leaf = self._pieces, self._leaf
        if leaf is None:
            self._end_parent(name)
            return
        text = ""
        if pieces:
            text = pieces[0] if len(pieces) == 1 else "".join(pieces)
            pieces.clear()
        self._siblings.append((name, leaf, text, None))
        self._leaf = None

    def clear(self) -> None:
        """Forget what was collected."""
        self._pieces.clear()
        self._stack.clear()
        self._siblings = []
        self._leaf = None
        self.elements = 0

    def _end_parent(self, name: str) -> None:
        if self._pieces:
            self._add_text()
        children = self._siblings
        if self._stack:
            attrs, self._siblings = self._stack.pop()
            self._siblings.append((name, attrs, "", children))
        else:
            self.clear()
            self._row_ends(children)

    def _add_text(self) -> None:
        """Keep a text beside elements, unless it only indents them."""
        text = "".join(self._pieces)
        self._pieces.clear()
        if not text.isspace():
            self._siblings.append(text)
