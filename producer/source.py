"""The source of a catalog's bytes: a path, standard input or an upload, plain or packed, always streamed.

A `Source` that is a file can be opened again from its beginning. A stream is first copied into a temporary file if
the caller needs that (`rereadable`) or if it is a zip archive, which is read from its end; it stays compressed, so
that the copy is no larger. `unfold` limits how far a compressed source can decompress. How files are packed:
`producer.packed`.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

from producer.decompression_limit import DecompressedSize, DecompressionLimit
from producer.packed import Packing, packing_of
from producer.packed.archive import open_member
from producer.packed.streams import READ_ERRORS, Chained, Unpacked
from producer.remote.catalog import RemoteCatalog
from producer.remote.openers import remote_catalog
from producer.row_errors import reason
from vitrine.core.errors import BadInput
from vitrine.core.schemes import FILE, HTTP, HTTPS, SFTP, STORES, local_path, scheme_of

HEAD_BYTES = 4096
BUFFER_BYTES = 256 * 1024
COPY_BYTES = 1024 * 1024
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
    """An open source, decompressed: `head` has its first bytes, `stream` the whole, `unfolding` its size so far."""

    def __init__(self, raw: BinaryIO, name: str, unfold: DecompressionLimit | None = None) -> None:
        """Read the head; raise `BadInput` for a packed file that is broken in its first bytes, packed twice, or not one table."""
        self._raw = raw
        self._copy: IO[bytes] | None = None
        self.unfolding = DecompressedSize(unfold)
        self.packing: Packing | None = None  #: How the file was packed, None if it was not.
        self.inner: str | None = None  #: The name of an archive's member that is read.
        self.notes: Sequence[str] = ()  #: What of an archive is read and what is not.
        self.head = b""
        self.stream: IO[bytes] = raw
        try:
            self._begin(name)
        except BaseException:
            self.close()
            raise

    @property
    def compressed(self) -> bool:
        """Whether the file was packed."""
        return self.packing is not None

    def close(self) -> None:
        """Close the underlying file and its copy; standard input stays open for its owner."""
        self.stream.close()
        self._raw.close()
        if self._copy is not None:
            self._copy.close()

    def _begin(self, name: str) -> None:
        self.head = _read_head(self._raw)
        found = packing_of(self.head)
        chained = Chained(self.head, self._raw)
        self.stream = io.BufferedReader(chained, BUFFER_BYTES)
        if found is None:
            return
        if found.unpack is None:
            self._open_archive(found, name)
        else:
            plain = found.unpack(self.stream)
            self._unpacked(found, Unpacked(plain, chained, self.unfolding), name)

    def _open_archive(self, packing: Packing, name: str) -> None:
        """Open the archive's table; a workbook, which is an archive too, stays as it is."""
        # Archives are read from their end, and a workbook as a whole.
        file = self._raw if self._raw.seekable() else self._copied()
        member = open_member(file, name, self.unfolding)
        if member is None:
            file.seek(0)
            self.stream = io.BufferedReader(Chained(b"", file), BUFFER_BYTES)
            return
        self.inner, self.notes = member.name, member.notes
        self._unpacked(packing, member.stream, name)

    def _unpacked(self, packing: Packing, plain: io.RawIOBase, name: str) -> None:
        self.packing = packing
        self.head, error = _head_before_damage(cast("IO[bytes]", plain), packing, name)
        rest = Chained(self.head, cast("IO[bytes]", plain), error)
        self.stream = io.BufferedReader(rest, BUFFER_BYTES)
        if (within := packing_of(self.head)) is not None:
            raise BadInput(
                f"{name} is packed twice: {within.title} within {packing.title}.",
                hint="Unpack it once.",
            )

    def _copied(self) -> IO[bytes]:
        self._copy = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by `close`
        shutil.copyfileobj(self.stream, self._copy, COPY_BYTES)
        self._copy.seek(0)
        return self._copy


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
    shutil.copyfileobj(stream, spool, COPY_BYTES)
    return Source(name, lambda: _borrowed(spool, 0), folder=folder, spool=spool, unfold=unfold)


def from_file_url(url: str) -> Source:
    """Return the file that a `file:` URL names; raise `BadInput` like `from_path`, and for a URL that does not name a file."""
    try:
        return from_path(local_path(url))
    except ValueError as error:
        raise BadInput(f"{url}: {error}.") from None


def from_remote(found: RemoteCatalog, unfold: DecompressionLimit | None = None) -> Source:
    """Return the source of a catalog at a URL, with a limit on its decompressed size."""
    return Source(found.name, found.open, remote=found, unfold=unfold)


def from_remote_url(url: str) -> Source:
    """Return the catalog at a URL of another host as a source; raise `BadInput` for one that is not asked for."""
    return from_remote(remote_catalog(url))


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
    """A stream that belongs to the caller, from `start` on: read from, never closed here."""

    def __init__(self, stream: IO[bytes], start: int | None) -> None:
        self._stream = stream
        self._start = start
        if start is not None:
            stream.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._start is not None

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if self._start is None:
            raise io.UnsupportedOperation("a pipe cannot be rewound")
        moved = offset + self._start if whence == io.SEEK_SET else offset
        return max(self._stream.seek(moved, whence) - self._start, 0)

    def tell(self) -> int:
        return self._stream.tell() - (self._start or 0)


def _borrowed(stream: IO[bytes], start: int | None) -> BinaryIO:
    return cast("BinaryIO", _Borrowed(stream, start))


def _read_head(raw: IO[bytes]) -> bytes:
    parts: list[bytes] = []
    missing = HEAD_BYTES
    while missing > 0 and (part := raw.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _head_before_damage(
    plain: IO[bytes], packing: Packing, name: str
) -> tuple[bytes, Exception | None]:
    """Return the first decompressed bytes, and the error that ends them; raise `BadInput` if there is none before it."""
    head = b""
    try:
        while len(head) < HEAD_BYTES and (part := plain.read(HEAD_BYTES - len(head))):
            head += part
    except READ_ERRORS as error:
        if head:
            return head, error
        raise BadInput(
            f"{name} begins like {packing.title} but cannot be unpacked: {reason(error)}."
        ) from error
    return head, None


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
