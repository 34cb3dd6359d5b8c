r"""A scanner that finds where the values of a JSON document begin and end, in bounded memory.

It follows brackets and strings only; the values that become rows are parsed by orjson, so that they have the same types and
the same errors as in JSON Lines, and so that one malformed value costs one row. A parser of events (ijson) was tried instead:
it ends the document at an integer of more than 64 bits, replaces half of a surrogate pair by `?` without an error, and keeps a
string of any length in memory.

::

    [ {"id": 1}, {"id": 2} ]        elements(): the scanner is at each value, and the caller reads or skips it
    { "data": {...}, "n": 2 }       members(): the same, with each value's key
    {"id": 1}                       value(): the bytes of one value, None if it is too long
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

import orjson

OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY = b"{}[]"
QUOTE, COMMA, COLON = b'",:'
END = -1
CHUNK_BYTES = 256 * 1024
MAX_KEY_BYTES = 64 * 1024

Match: TypeAlias = Callable[[bytes, int], "re.Match[bytes]"]
"""How a pattern that matches everywhere, if only nothing, is applied at a place."""
_space = cast("Match", re.compile(rb"[ \t\n\r]*+").match)
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_bracket = cast(
    "Match",
    re.compile(rb'(?:[^"{}\[\]]++|' + _STRING + rb')*+([{}\[\]"]?)', re.DOTALL).match,
)
"""Up to the next bracket; group 1 is `"` at a string that is not complete in the window, and empty at the window's end."""
_string_rest = cast("Match", re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL).match)
_scalar = cast("Match", re.compile(rb'[^ \t\n\r,:\[\]{}"]*+').match)


class JsonFlaw(Exception):
    """Raised where a document cannot be followed any further."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(f"{why}, in line {line} of the file")


class JsonScanner:
    """A window onto a document, moved from value to value. `read` returns the next bytes, empty at the end; it is UTF-8."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._data = b""
        self._at = 0
        self._lines = 0  # line ends before the window
        self._ended = False

    @property
    def line(self) -> int:
        """Return the current line of the file, from 1."""
        return self._lines + self._data.count(b"\n", 0, self._at) + 1

    def peek(self) -> int:
        """Return the next byte that is not blank, `END` at the end."""
        while True:
            self._at = _space(self._data, self._at).end()
            if self._at < len(self._data):
                return self._data[self._at]
            if not self._more(self._at):
                return END

    def elements(self) -> Iterator[None]:
        """Stop at each value of the array that begins here; the caller reads or skips it."""
        self._at += 1
        while self.peek() != CLOSE_ARRAY:
            yield
            self._next(CLOSE_ARRAY)
        self._at += 1

    def members(self) -> Iterator[str]:
        """Stop at each value of the object that begins here and yield its key; the caller reads or skips the value."""
        self._at += 1
        while (found := self.peek()) != CLOSE_OBJECT:
            if found != QUOTE:
                raise self.unexpected("a key in quotes")
            key = self._string(MAX_KEY_BYTES)
            if key is None:
                raise self.flaw(f"a key of more than {MAX_KEY_BYTES:,} bytes")
            if self.peek() != COLON:
                raise self.unexpected("':' after a key")
            self._at += 1
            yield _key(key)
            self._next(CLOSE_OBJECT)
        self._at += 1

    def value(self, limit: int) -> bytes | None:
        """Read the value that begins here and return its bytes, None if they are more than `limit`."""
        found = self.peek()
        if found in (OPEN_OBJECT, OPEN_ARRAY):
            return self._bracketed(limit)
        if found == QUOTE:
            return self._string(limit)
        return self._scalar(limit)

    def skip(self) -> None:
        """Skip the value that begins here."""
        self.value(0)

    def flaw(self, why: str) -> JsonFlaw:
        """Return an error at the current place."""
        return JsonFlaw(why, self.line)

    def unexpected(self, wanted: str) -> JsonFlaw:
        """Return an error for what is at the current place instead of what was wanted."""
        found = self.peek()
        if found == END:
            return self.flaw("the document ends before its last bracket; it was cut off")
        return self.flaw(f"expected {wanted}, found {self._shown()}")

    def _next(self, close: int) -> None:
        """Move on to the next value of a list, or to its closing bracket."""
        found = self.peek()
        if found == COMMA:
            self._at += 1
        elif found != close:
            raise self.unexpected(f"',' or {chr(close)!r}")

    def _shown(self) -> str:
        return repr(self._data[self._at : self._at + 20].decode(errors="replace"))

    def _bracketed(self, limit: int) -> bytes | None:
        start, at, depth = self._at, self._at, 0
        while True:
            match = _bracket(self._data, at)
            bracket, at = match[1], match.end()
            if bracket in (b"{", b"["):
                depth += 1
            elif bracket in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    self._at = at
                    return self._data[start:at] if at - start <= limit else None
            else:
                at = match.start(1)
                if at - start > limit or (bracket and len(self._data) - start > limit):
                    self._skip_to_depth(at, depth, in_string=bool(bracket))
                    return None
                at -= self._need(start)
                start = 0

    def _skip_to_depth(self, at: int, depth: int, *, in_string: bool) -> None:
        """Leave the brackets that are open, without keeping what is in them."""
        self._at = at
        while True:
            if in_string:
                self._at += 1
                self._skip_string()
            match = _bracket(self._data, self._at)
            bracket, self._at = match[1], match.end()
            in_string = bracket == b'"'
            if in_string:
                self._at = match.start(1)
            elif bracket:
                depth += 1 if bracket in (b"{", b"[") else -1
                if depth == 0:
                    return
            else:
                self._need(self._at)

    def _string(self, limit: int) -> bytes | None:
        start, at = self._at, self._at + 1
        while True:
            match = _string_rest(self._data, at)
            if match[1]:
                self._at = match.end()
                return self._data[start : self._at] if self._at - start <= limit else None
            at = match.end()
            if at - start > limit:
                self._at = at
                self._skip_string()
                return None
            at -= self._need(start)
            start = 0

    def _skip_string(self) -> None:
        """Move behind the end of the string that the scanner is in."""
        while True:
            match = _string_rest(self._data, self._at)
            self._at = match.end()
            if match[1]:
                return
            self._need(self._at)

    def _scalar(self, limit: int) -> bytes | None:
        start = self._at
        kept = True
        while True:
            match = _scalar(self._data, self._at)
            self._at = match.end()
            kept = kept and self._at - start <= limit
            if self._at < len(self._data):
                break
            more = self._more(start if kept else self._at)
            start = 0
            if not more:
                break
        if self._at == start and kept:
            raise self.unexpected("a value")
        return self._data[start : self._at] if kept else None

    def _need(self, keep: int) -> int:
        """Read on and drop what is before `keep`; return `keep`. Raise `JsonFlaw` at the end of the document."""
        if not self._more(keep):
            self._at = len(self._data)
            raise self.unexpected("more")
        return keep

    def _more(self, keep: int) -> bool:
        """Drop the bytes before `keep` and read on; return False at the end of the document."""
        data = self._data
        self._lines += data.count(b"\n", 0, keep)
        chunk = b"" if self._ended else self._read(CHUNK_BYTES)
        self._ended = not chunk
        self._data = data[keep:] + chunk
        self._at -= keep
        return bool(chunk)


def _key(raw: bytes) -> str:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, str) else raw[1:-1].decode(errors="replace")
