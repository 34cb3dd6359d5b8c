"""Decodes a body that a host sent as gzip or deflate although none was asked for, no further than a limit.

A decoder is copied before each piece, because curl offers a piece again that found no memory.
"""

from __future__ import annotations

import zlib
from copy import copy
from typing import Any, Self

from vitrine.core.types import FailureReason, ItemFailure

GZIP = frozenset({b"gzip", b"x-gzip"})
DEFLATE = frozenset({b"deflate"})
CODINGS = GZIP | DEFLATE
"""The Content-Encodings that are decoded. One applied twice, or another one, is refused."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = 0x1F


class BodyDecoder:
    """The state of decoding one body."""

    def __init__(self, coding: bytes) -> None:
        self._gzip = coding in GZIP
        self._stream: Any = zlib.decompressobj(_GZIP_WINDOW) if self._gzip else None

    @property
    def complete(self) -> bool:
        """Whether the body ended where its coding says."""
        return self._stream is not None and self._stream.eof

    def copy(self) -> Self:
        """Return a decoder in the same state."""
        made = copy(self)
        made._stream = self._stream and self._stream.copy()  # noqa: SLF001 - its own kind
        return made

    def feed(self, piece: bytes, most: int) -> bytes:
        """Return what a piece decodes to, at most `most` bytes; what exceeds them is lost. Raises `ItemFailure` for damage."""
        decoded = list[bytes]()
        try:
            while piece and most > 0:
                if self.complete and not self._next_member(piece):
                    break
                data = self._of(piece).decompress(piece, most)
                decoded.append(data)
                most -= len(data)
                piece = self._stream.unconsumed_tail or self._stream.unused_data
        except zlib.error:
            raise ItemFailure(FailureReason.CORRUPT, "the body's encoding is damaged") from None
        return b"".join(decoded)

    def _next_member(self, piece: bytes) -> bool:
        """Begin another member of a gzip file; anything else after its end is ignored, as browsers do."""
        if not self._gzip or piece[0] != _GZIP_MAGIC:
            return False
        self._stream = zlib.decompressobj(_GZIP_WINDOW)
        return True

    def _of(self, piece: bytes) -> Any:
        # Servers send "deflate" with zlib's header, as the standard says, or without it.
        if self._stream is None:
            has_header = piece[0] & 0x0F == 8 and piece[0] >> 4 <= 7
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        return self._stream
