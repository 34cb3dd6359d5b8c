"""The source of a catalog's bytes: a path, standard input or an upload, plain or gzip, always streamed.

A `Source` that is a file can be opened again from its beginning. A stream is first copied into a temporary file if
the caller needs that (`rereadable`); gzip stays compressed, so that the copy is no larger. `unfold` limits how far
a compressed source can decompress.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from producer.decompression_limit import DecompressedSize, DecompressionLimit
from producer.remote.catalog import RemoteCatalog
from producer.remote.openers import remote_catalog
from producer.row_errors import reason
from vitrine.core.errors import BadInput
from vitrine.core.schemes import FILE, HTTP, HTTPS, SFTP, STORES, local_path, scheme_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

HEAD_BYTES = 4096
GZIP_MAGIC = b"\x1f\x8b"
SPOOL_BYTES = 8 * 1024 * 1024
"""A copied stream stays in memory up to this size."""


class Source:
    """One catalog's bytes. Problems refer to it by `name`; its relative paths start at `folder`."""

    def __init__(
        self,
        name: str,
        opener: Callable[[], BinaryIO],
        *,
        path: Path | None = None,
        folder: Path | None = None,
        spool: IO[bytes] | None = None,
        unfold: DecompressionLimit | None = None,
        remote: RemoteCatalog | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self.folder = folder
        self._opener = opener
        self._spool = spool
        self._unfold = unfold
        self._remote = remote

    @property
    def file_names(self) -> Sequence[str]:
        """Names whose suffixes say the format, the first one first; an open URL's host can add to `name`."""
        return (self.name, *(self._remote.file_names if self._remote else ()))

    def open(self) -> OpenedSource:
        """Open from the beginning; raise `BadInput` if the file cannot be read."""
        try:
            return OpenedSource(self._opener(), self.name, self._unfold)
        except OSError as error:
            raise BadInput(f"{self.name} cannot be read: {_why(error)}.") from error

    def close(self) -> None:
        """Remove the copy of a stream, if there is one."""
        if self._spool is not None:
            self._spool.close()


class OpenedSource:
    """An open source: `head` has its first bytes (decompressed), `stream` the whole, `unfolding` the decompressed size."""

    def __init__(self, raw: BinaryIO, name: str, unfold: DecompressionLimit | None = None) -> None:
        """Read the head; raise `BadInput` for a gzip that is broken in its first bytes."""
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
        """Close the underlying file; standard input stays open for its owner."""
        self.stream.close()
        self._raw.close()


class _Chained(io.RawIOBase):
    """The head that was already read for detection, then the rest: a pipe cannot be rewound."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = memoryview(head)
        self._rest = rest
        self.drawn = 0  #: Bytes read from here so far.

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
    """The decompressed bytes of a gzip, counted."""

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
    """Return a file or a folder (which only the folder reader opens) as a source; raise `BadInput` if neither exists."""
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
    """Return a stream, such as an upload, as a source; its owner closes it. `rereadable` copies it unless it can seek."""
    if stream.seekable():
        # The current position, not 0: a script may have read a part of its standard input before.
        start = stream.tell()
        return Source(name, lambda: _borrowed(stream, start), folder=folder, unfold=unfold)
    if not rereadable:
        return Source(name, lambda: _borrowed(stream, None), folder=folder, unfold=unfold)
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by Source.close
    shutil.copyfileobj(stream, spool, 1024 * 1024)
    return Source(name, lambda: _borrowed(spool, 0), folder=folder, spool=spool, unfold=unfold)


def from_file_url(url: str) -> Source:
    """Return the file that a `file:` URL names; raise `BadInput` like `from_path`, and for a URL that does not name a file."""
    try:
        return from_path(local_path(url))
    except ValueError as error:
        raise BadInput(f"{url}: {error}.") from None


def from_remote_url(url: str) -> Source:
    """Return the catalog at a URL of another host as a source; raise `BadInput` for one that is not asked for."""
    found = remote_catalog(url)
    return Source(found.name, found.open, remote=found)


OPENERS: Mapping[str, Callable[[str], Source]] = {
    FILE.name: from_file_url,
    HTTP.name: from_remote_url,
    HTTPS.name: from_remote_url,
    **{scheme.name: from_remote_url for scheme in (*STORES, SFTP)},
}
"""By scheme: the function that turns a catalog's URL into its source."""


def from_argument(target: str, *, rereadable: bool = False) -> Source:
    """Return a command's argument as a source: a path, a URL, or `-` for standard input (relative paths start at the current folder)."""
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
    """A stream that belongs to the caller: read from, never closed here."""

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
