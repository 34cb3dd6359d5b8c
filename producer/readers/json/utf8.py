"""A document's bytes in UTF-8: without its mark and the lines above it, and recoded if it is in another encoding."""

from __future__ import annotations

import codecs
from io import BufferedReader
from typing import IO, cast

from producer.packed.streams import READ_ERRORS as UNPACKING_ERRORS
from producer.text.encodings import UTF_8, given_encoding
from producer.text.stream import open_text

READ_ERRORS = (*UNPACKING_ERRORS, UnicodeError)
"""What reading can raise: the file breaks off, or is not in its encoding."""
_ESCAPE = "surrogateescape"
"""A byte that is not in the encoding stays as it is, so that it costs one row and not the file."""


class Utf8Stream:
    """A stream of UTF-8, of which the first bytes can be looked at. `read` and `peek` raise `READ_ERRORS`."""

    def __init__(self, stream: IO[bytes], head: bytes, encoding: str | None, skip: int = 0) -> None:
        """Find the encoding if none is given; leave out `skip` lines."""
        found = open_text(stream, head, given_encoding(encoding))
        self.notes = found.notes  #: How the encoding was found.
        self._stream = cast("BufferedReader", found.text.detach())
        self._skip = skip
        self._ahead = b""
        self._error: Exception | None = None
        self._ended = False
        self._decoder = None if found.encoding == UTF_8 else _decoder(found.encoding)

    def read(self, size: int) -> bytes:
        """Return the next bytes, about `size`; empty at the end."""
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        if self._error is not None:
            raise self._error
        return self._next(size)

    def peek(self, size: int) -> bytes:
        """Return the first bytes, at least `size` unless the file ends or breaks off before, and leave them to be read."""
        parts = [self._ahead]
        try:
            while sum(map(len, parts)) < size and (part := self._next(size)):
                parts.append(part)
        except READ_ERRORS as error:
            self._error = error
        self._ahead = b"".join(parts)
        return self._ahead

    def _next(self, size: int) -> bytes:
        data = b""
        while not data and not self._ended:
            # `read` would lose what it has when the file breaks off.
            data = self._stream.read1(size)
            self._ended = not data
            if self._decoder is not None:
                data = self._recoded(self._decoder, data)
            if self._skip:
                data = self._without_lines(data)
        return data

    def _recoded(self, decoder: codecs.IncrementalDecoder, data: bytes) -> bytes:
        return decoder.decode(data, final=self._ended).encode("utf-8", _ESCAPE)

    def _without_lines(self, data: bytes) -> bytes:
        while self._skip and data:
            _, end, data = data.partition(b"\n")
            self._skip -= bool(end)
        return data


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    errors = "strict" if encoding.startswith(("utf-16", "utf-32")) else _ESCAPE
    return codecs.getincrementaldecoder(encoding)(errors)
