"""Where a catalog's bytes come from: a path, standard input or an upload, plain or gzip, always streamed.

A `Source` can be opened again from its beginning where it is a file; a stream is copied into a temporary
file first when the caller needs that (`rereadable`), compressed as it came, so that the copy is no larger. How far
a packed one may unfold is its source's to say (`unfold`).
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from producer.decompression_limit import DecompressedSize, DecompressionLimit
from producer.row_errors import reason
from vitrine.core.errors import BadInput
from vitrine.core.schemes import FILE, local_path, scheme_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

HEAD_BYTES = 4096
GZIP_MAGIC = b"\x1f\x8b"
SPOOL_BYTES = 8 * 1024 * 1024
"""A copied stream stays in memory up to this size."""


class Source:
    """One catalog's bytes. `name` is what problems call it, `folder` where its relative paths start."""

    def __init__(
        self,
        name: str,
        opener: Callable[[], BinaryIO],
        *,
        path: Path | None = None,
        folder: Path | None = None,
        spool: IO[bytes] | None = None,
        unfold: DecompressionLimit | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self.folder = folder
        self._opener = opener
        self._spool = spool
        self._unfold = unfold

    def open(self) -> OpenedSource:
        """Open from the beginning; raises `BadInput` where the file cannot be read."""
        try:
            return OpenedSource(self._opener(), self.name, self._unfold)
        except OSError as error:
            raise BadInput(f"{self.name} cannot be read: {_why(error)}.") from error

    def close(self) -> None:
        """Remove the copy of a stream, where there is one."""
        if self._spool is not None:
            self._spool.close()


class OpenedSource:
    """An opened source: its first bytes in `head` (decompressed), the whole in `stream`, what it unfolded to in `unfolding`."""

    def __init__(self, raw: BinaryIO, name: str, unfold: DecompressionLimit | None = None) -> None:
        """Raises `BadInput` for a gzip that is broken in its first bytes."""
        self._raw = raw
        self.unfolding = DecompressedSize(unfold)
        start = _read_head(raw)
        self.compressed = start.startswith(GZIP_MAGIC)
        chained = _Chained(start, raw)
        whole: IO[bytes] = io.BufferedReader(chained, 256 * 1024)
        if self.compressed:
            whole = io.BufferedReader(
                _Unpacked(gzip.GzipFile(fileobj=whole), chained, self.unfolding)
            )
            self.head = _peek(whole, name)
        else:
            self.head = start
        self.stream: IO[bytes] = whole

    def close(self) -> None:
        """Close the file beneath; standard input stays open for its owner."""
        self.stream.close()
        self._raw.close()


class _Chained(io.RawIOBase):
    """The head that was read to look at it, then the rest: a pipe cannot be rewound."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = memoryview(head)
        self._rest = rest
        self.drawn = 0  #: Bytes given so far.

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        data: bytes | memoryview
        if self._head:
            data, self._head = self._head[: len(target)], self._head[len(target) :]
        else:
            data = self._rest.read(len(target))
        target[: len(data)] = data
        self.drawn += len(data)
        return len(data)


class _Unpacked(io.RawIOBase):
    """What a gzip holds, counted."""

    def __init__(
        self, packed: gzip.GzipFile, beneath: _Chained, unfolding: DecompressedSize
    ) -> None:
        self._packed = packed
        self._beneath = beneath
        self._unfolding = unfolding

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        count = self._packed.readinto(buffer)
        self._unfolding.add(count, self._beneath.drawn)
        return count

    def close(self) -> None:
        self._packed.close()
        super().close()


def from_path(path: str | os.PathLike[str]) -> Source:
    """A file, or a folder (which only the folder reader opens); raises `BadInput` where there is neither."""
    found = Path(path).expanduser()
    if not found.exists():
        raise BadInput(f"There is no file {str(path)!r}.")
    folder = found if found.is_dir() else found.parent
    return Source(str(path), lambda: found.open("rb"), path=found, folder=folder)


def from_stream(
    stream: IO[bytes],
    name: str,
    *,
    rereadable: bool = False,
    folder: Path | None = None,
    unfold: DecompressionLimit | None = None,
) -> Source:
    """A stream that its owner closes, such as an upload. `rereadable` copies it unless it can seek."""
    if stream.seekable():
        # Where it stands, not 0: a script may have read a part of its standard input before.
        start = stream.tell()
        return Source(name, lambda: _borrowed(stream, start), folder=folder, unfold=unfold)
    if not rereadable:
        return Source(name, lambda: _borrowed(stream, None), folder=folder, unfold=unfold)
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by Source.close
    shutil.copyfileobj(stream, spool, 1024 * 1024)
    return Source(name, lambda: _borrowed(spool, 0), folder=folder, spool=spool, unfold=unfold)


def from_file_url(url: str) -> Source:
    """The file that a `file:` URL names; raises `BadInput` as `from_path` does, and for a URL that names none."""
    try:
        return from_path(local_path(url))
    except ValueError as error:
        raise BadInput(f"{url}: {error}.") from None


OPENERS: Mapping[str, Callable[[str], Source]] = {FILE.name: from_file_url}
"""By scheme: what makes a catalog's source of its URL."""


def from_argument(target: str, *, rereadable: bool = False) -> Source:
    """What a command was given: a path, a URL, or `-` for standard input (relative paths start where we are)."""
    if target == "-":
        return from_stream(sys.stdin.buffer, "stdin", rereadable=rereadable, folder=Path.cwd())
    scheme = scheme_of(target)
    if scheme is None:
        return from_path(target)
    if scheme.name not in OPENERS:
        raise BadInput(
            f"Catalogs are not read from {scheme.name}:// URLs.",
            hint="Download the file and give its path, or pipe it to `vitrine submit -`.",
        )
    return OPENERS[scheme.name](target)


class _Borrowed(io.RawIOBase):
    """Somebody else's stream: read through, never closed from here."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)


def _borrowed(stream: IO[bytes], start: int | None) -> BinaryIO:
    if start is not None:
        stream.seek(start)
    return cast("BinaryIO", _Borrowed(stream))


def _read_head(raw: IO[bytes]) -> bytes:
    parts: list[bytes] = []
    missing = HEAD_BYTES
    while missing > 0 and (part := raw.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _peek(stream: IO[bytes], name: str) -> bytes:
    try:
        return cast("io.BufferedReader", stream).peek(HEAD_BYTES)[:HEAD_BYTES]
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(
            f"{name} begins like gzip but cannot be unpacked: {reason(error)}."
        ) from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
