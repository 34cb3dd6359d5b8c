"""Streams over packed files: they decompress as they are read, and count what they took and gave."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Protocol

from producer.decompression_limit import DecompressedSize
from producer.packed.decoders import NewDecoder, PackedDataError

if TYPE_CHECKING:
    from typing_extensions import Buffer

READ_ERRORS = (OSError, EOFError)
"""What reading of a packed stream raises if the file is damaged, breaks off, or decompresses beyond its limit."""
_CHUNK_BYTES = 16 * 1024


class Drawn(Protocol):
    """A stream of packed bytes that counts those read so far in `drawn`."""

    drawn: int


class Chained(io.RawIOBase):
    """Bytes that were already read, then the rest of their stream, since a pipe cannot be rewound."""

    def __init__(self, head: bytes, rest: IO[bytes], error: Exception | None = None) -> None:
        """`error` is raised after the head instead of reading the rest."""
        self._head = memoryview(head)
        self._rest = rest
        self._error = error
        self.drawn = 0  #: Bytes read from here so far.

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        data: bytes | memoryview
        if self._head:
            data, self._head = self._head[: len(target)], self._head[len(target) :]
        elif self._error is not None:
            raise self._error
        else:
            data = self._rest.read(len(target))
        target[: len(data)] = data
        self.drawn += len(data)
        return len(data)

    def close(self) -> None:
        """Close the stream below as well."""
        self._rest.close()
        super().close()


class Unpacked(io.RawIOBase):
    """The decompressed bytes of a stream, counted against the file's limit."""

    def __init__(self, plain: io.RawIOBase, packed: Drawn, unfolding: DecompressedSize) -> None:  # fmt: skip
        self._plain = plain
        self._packed = packed
        self._unfolding = unfolding

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        count = self._plain.readinto(buffer) or 0
        self._unfolding.add(count, self._packed.drawn)
        return count

    def close(self) -> None:
        self._plain.close()
        super().close()


class Decompressing(io.RawIOBase):
    """Decompress one stream after another until the packed bytes end; zeros that fill up the file are ignored.

    Raises `EOFError` if the bytes end within a stream, and `OSError` for bytes that cannot be decompressed. With
    `single`, reading ends with the first stream.
    """

    def __init__(self, packed: IO[bytes], new: NewDecoder, *, single: bool = False) -> None:
        self._packed = packed
        self._new = new
        self._decoder = new()
        self._single = single
        self._done = False
        self._begins_after_another = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        data = b""
        while not self._done:
            if self._decoder.eof:
                data = self._next()
                continue
            if not data and self._decoder.needs_input:
                data = self._packed.read(_CHUNK_BYTES)
                if not data:
                    raise EOFError("the packed file ends in the middle")
            out = self._decompress(data, len(target))
            data = b""
            if out:
                target[: len(out)] = out
                return len(out)
        return 0

    def _decompress(self, data: bytes, most: int) -> bytes:
        try:
            out = self._decoder.decompress(data, most)
        except PackedDataError as error:
            if self._begins_after_another:
                raise PackedDataError("other bytes follow the end of the packed data") from error
            raise
        self._begins_after_another = False
        return out

    def _next(self) -> bytes:
        """Begin the next stream and return its first bytes; note the end of the file."""
        data = self._decoder.unused_data
        while not self._single:
            data = data.lstrip(b"\0") or self._packed.read(_CHUNK_BYTES)
            if not data:
                break
            if data[0]:
                self._decoder = self._new()
                self._begins_after_another = True
                return data
        self._done = True
        return b""
