"""Exact detection of duplicate ids in bounded memory; the ten-millionth id costs as much as the first.

An id is kept as a 16-byte keyed BLAKE2b digest; the probability that any two of a billion different ids share one is
below 1e-20, so a good row is never mistaken for a duplicate. Nearly every id is new, and a Bloom filter (Bloom 1970)
shows that without a lookup. The stored entries (digest and line) are needed only for duplicates: some bits of the digest
choose one of 4,096 buckets, and all buckets are written to a temporary file whenever they reach 8 MiB together. Nothing
is sorted, and only the one bucket of an id that may be a duplicate is searched.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct
from types import TracebackType
from typing import IO

from vitrine.core.errors import VitrineError

FILTER_BITS = 2**27
"""16 MiB. With three bits per id, 0.8% of ten million ids cause a needless lookup; of a hundred million, most do, at 0.5 ms each."""
BUCKETS = 2**12
KEPT_BYTES = 8 * 1024 * 1024

_WORDS = Struct("<4I")
_ENTRY = Struct("<16sQ")
_LINE = Struct("<Q")


class SeenIds:
    """A record of each id and the line it first appeared on. `kept_bytes` is the memory used before entries go to the file."""

    def __init__(self, *, kept_bytes: int = KEPT_BYTES, filter_bits: int = FILTER_BITS) -> None:
        self._filter = bytearray(filter_bits // 8)
        self._mask = filter_bits - 1
        self._buckets = [bytearray() for _ in range(BUCKETS)]
        self._kept = 0
        self._room = kept_bytes // _ENTRY.size
        # A random key, so that nobody can craft ids that all fall into one bucket.
        self._key = os.urandom(16)
        self._file: IO[bytes] | None = None
        self._written: list[
            array[int]
        ] = []  #: For each write to the file: the offset of each bucket, then the end.

    def first_line(self, item_id: str, line: int) -> int | None:
        """Return the line that first had this id, or None and remember the id if it is new.

        Raises `VitrineError` if the temporary folder is full.
        """
        digest = blake2b(item_id.encode(), digest_size=16, key=self._key).digest()
        first, second, third, fourth = _WORDS.unpack(digest)
        bucket = fourth % BUCKETS
        if not self._note(first, second, third):
            found = self._find(digest, bucket)
            if found is not None:
                return found
        if self._kept == self._room:
            self._write()
        self._buckets[bucket] += _ENTRY.pack(digest, line)
        self._kept += 1
        return None

    def _note(self, *words: int) -> bool:
        """Set the filter's bits; return whether any of them was unset, which proves the id is new."""
        bits, mask, new = self._filter, self._mask, False
        for word in words:
            at, bit = (word & mask) >> 3, 1 << (word & 7)
            if not bits[at] & bit:
                bits[at] |= bit
                new = True
        return new

    def _find(self, digest: bytes, bucket: int) -> int | None:
        for entries in self._pieces(bucket):
            at = entries.find(digest)
            while at >= 0:
                if at % _ENTRY.size == 0:
                    return int(_LINE.unpack_from(entries, at + len(digest))[0])
                at = entries.find(digest, at + 1)
        return None

    def _pieces(self, bucket: int) -> Iterator[bytes | bytearray]:
        yield self._buckets[bucket]
        if self._file is not None:
            for starts in self._written:
                start, end = starts[bucket : bucket + 2]
                yield os.pread(self._file.fileno(), end - start, start)

    def _write(self) -> None:
        starts = array("Q", [self._written[-1][-1] if self._written else 0])
        for entries in self._buckets:
            starts.append(starts[-1] + len(entries))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close
            _write_all(self._file, b"".join(self._buckets))
        except OSError as error:
            raise VitrineError(
                f"The ids of this catalog cannot be kept in {tempfile.gettempdir()}: {error.strerror}.",
                hint="Set TMPDIR to a folder with 24 bytes of room for each row.",
            ) from error
        self._written.append(starts)
        for entries in self._buckets:
            entries.clear()
        self._kept = 0

    def close(self) -> None:
        """Drop all entries and delete the temporary file."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._buckets, self._written, self._filter = [], [], bytearray()

    def __enter__(self) -> SeenIds:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _write_all(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
