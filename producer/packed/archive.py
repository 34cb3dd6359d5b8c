"""Zip archives that hold one table: read as a stream, without writing a member to the disk.

The archive's directory is at its end, so the file has to be seekable. An archive that was cut off has no directory; its
first member is then read from its own header, as far as it goes.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from producer.decompression_limit import DecompressedSize
from producer.image_suffixes import IMAGE_SUFFIXES
from producer.packed.decoders import NewDecoder, PackedDataError, Stored, bzip2, deflate
from producer.packed.streams import Decompressing, Unpacked
from producer.row_errors import shown
from vitrine.core.errors import BadInput

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
"""The largest directory that is read: about 40,000 files; the library holds all of it in memory."""
_LISTED = 5
_HEADER = struct.Struct("<4s5H3L2H")
_HEADER_MAGIC = b"PK\x03\x04"
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
WORKBOOK_PARTS = ("[Content_Types].xml", "mimetype")
_METHODS = {
    0: "Stored, without its length",
    9: "Deflate64",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}
_WINDOWS_ZIP64 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """The table of an archive: its name, its decompressed bytes, and what is to be reported about the rest."""

    name: str
    stream: io.RawIOBase
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a member is and how it is packed; `size` and `crc` are None if only its end could say them."""

    name: str
    flags: int
    method: int
    offset: int
    packed_size: int | None
    size: int | None
    crc: int | None


class CountedFile(io.RawIOBase):
    """The archive's file: counts the bytes read, and refuses to read a huge directory in one piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.drawn = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(
            size if 0 <= size <= MAX_DIRECTORY_BYTES else MAX_DIRECTORY_BYTES + 1
        )
        self.drawn += len(data)
        if len(data) > MAX_DIRECTORY_BYTES:
            raise DirectoryTooLarge
        return data


class DirectoryTooLarge(Exception):
    """Raised if the archive's directory is above `MAX_DIRECTORY_BYTES`."""


class _Slice(io.RawIOBase):
    """The packed bytes of one member."""

    def __init__(self, file: CountedFile, offset: int, size: int | None) -> None:
        self._file = file
        self._left = size
        file.seek(offset)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(data)
        return data


class _Checked(io.RawIOBase):
    """A member's bytes, whose number and checksum are compared with the directory's at the end."""

    def __init__(self, plain: io.RawIOBase, entry: _Entry, cut_off: str | None) -> None:
        self._plain = plain
        self._entry = entry
        self._cut_off = cut_off
        self._size = 0
        self._crc = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        count = self._plain.readinto(view) or 0
        if count:
            self._size += count
            self._crc = zlib.crc32(view[:count], self._crc)
        elif len(view):
            self._check()
        return count

    def _check(self) -> None:
        entry = self._entry
        if entry.size not in (None, self._size) or entry.crc not in (None, self._crc):
            raise PackedDataError("the member's checksum is wrong: the archive is damaged")
        if self._cut_off is not None:
            raise EOFError(self._cut_off)


def open_member(file: IO[bytes], name: str, unfolding: DecompressedSize) -> Member | None:
    """Return the only table of an archive, None for a workbook; raise `BadInput` if there is not exactly one that can be read."""
    counted = CountedFile(file)
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", counted))
        entries = [_entry(info) for info in archive.infolist()]
    except DirectoryTooLarge:
        raise BadInput(
            f"{name} is a zip archive of more files than are read.", hint="Pack the table alone."
        ) from None
    except Exception:  # noqa: BLE001 - the library raises many kinds for damaged directories
        return _first_member(counted, name, unfolding)
    if _is_workbook([entry.name for entry in entries]):
        return None
    files = [entry for entry in entries if not entry.name.endswith("/")]
    tables = [entry for entry in files if not _is_left_out(entry.name)]
    if len(tables) != 1:
        raise _not_one(name, tables, files)
    [table] = tables
    stream = _opened(counted, table, name, unfolding)
    return Member(table.name, stream, tuple(_notes(table, files)))


def _entry(info: zipfile.ZipInfo) -> _Entry:
    return _Entry(
        info.filename, info.flag_bits, info.compress_type, info.header_offset,
        info.compress_size, info.file_size, info.CRC,
    )  # fmt: skip


def _is_workbook(names: Sequence[str]) -> bool:
    return any(name in WORKBOOK_PARTS or name.startswith("_rels/") for name in names)


def _is_left_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return hidden or _is_picture(name)


def _is_picture(name: str) -> bool:
    return name.lower().rpartition(".")[2] in IMAGE_SUFFIXES


def _not_one(name: str, tables: Sequence[_Entry], files: Sequence[_Entry]) -> BadInput:
    if tables:
        return BadInput(
            f"{name} holds {len(tables):,} files that could be the table: {_listed(tables)}.",
            hint="Pack one table alone, or submit them one by one.",
        )
    what = f"only {_listed(files)}" if files else "no file"
    return BadInput(f"{name} holds no table, {what}.", hint="Pack the table, or give its file.")


def _listed(entries: Sequence[_Entry]) -> str:
    more = f" and {len(entries) - _LISTED:,} more" if len(entries) > _LISTED else ""
    return ", ".join(shown(entry.name) for entry in entries[:_LISTED]) + more


def _notes(table: _Entry, files: Sequence[_Entry]) -> Iterator[str]:
    yield f"read {shown(table.name)} of the archive"
    if pictures := sum(_is_picture(entry.name) for entry in files):
        yield f"{pictures:,} pictures within the archive are not read"


def _opened(
    file: CountedFile,
    entry: _Entry,
    name: str,
    unfolding: DecompressedSize,
    cut_off: str | None = None,
) -> io.RawIOBase:
    new = _decoder(entry, name)
    if entry.size is not None and entry.packed_size is not None:
        unfolding.refuse_declared(entry.size, entry.packed_size, name)
    start = _data_offset(file, entry, name)
    packed = cast("IO[bytes]", _Slice(file, start, entry.packed_size))
    plain = Decompressing(packed, new, single=True)
    return Unpacked(_Checked(plain, entry, cut_off), file, unfolding)


def _decoder(entry: _Entry, name: str) -> NewDecoder:
    if entry.flags & _ENCRYPTED:
        raise BadInput(
            f"{name} is encrypted: {shown(entry.name)} needs a password.",
            hint="Unpack it and give the file.",
        )
    if entry.method == zipfile.ZIP_DEFLATED:
        return deflate
    if entry.method == zipfile.ZIP_BZIP2:
        return bzip2
    if entry.method == zipfile.ZIP_STORED and entry.packed_size is not None:
        return partial(Stored, entry.packed_size)
    method = _METHODS.get(entry.method, f"method {entry.method}")
    raise BadInput(
        f"{name} is packed in a way that is not read: {shown(entry.name)} by {method}.",
        hint="Pack it with Deflate, the usual method, or give the file itself.",
    )


def _data_offset(file: CountedFile, entry: _Entry, name: str) -> int:
    found = _local_header(file, entry.offset)
    if found is None:
        raise BadInput(f"{name} is a damaged zip archive: {shown(entry.name)} is not where it is listed.")  # fmt: skip
    local, start = found
    if local.flags & _ENCRYPTED:
        _decoder(local, name)
    return start


def _local_header(file: CountedFile, offset: int) -> tuple[_Entry, int] | None:
    """Return the member whose header is at `offset`, and where its data starts; None if no header is there."""
    try:
        file.seek(offset)
    except (OSError, ValueError, OverflowError):
        return None
    raw = file.read(_HEADER.size)
    if len(raw) < _HEADER.size:
        return None
    magic, _, flags, method, _, _, crc, packed_size, size, name_size, extra_size = _HEADER.unpack(
        raw
    )
    if magic != _HEADER_MAGIC:
        return None
    name = file.read(name_size).decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    unknown = bool(flags & _SIZES_FOLLOW) or packed_size == _WINDOWS_ZIP64
    entry = _Entry(
        name, flags, method, offset,
        None if unknown else packed_size, None if unknown else size, None if unknown else crc,
    )  # fmt: skip
    return entry, offset + _HEADER.size + name_size + extra_size


def _first_member(file: CountedFile, name: str, unfolding: DecompressedSize) -> Member | None:
    """Return the first member of an archive without a readable directory, whose rows end with an error that says so."""
    found = _local_header(file, 0)
    if found is None:
        raise BadInput(f"{name} is a damaged zip archive: it has no directory.")
    entry, _ = found
    if _is_workbook([entry.name]):
        return None
    if entry.name.endswith("/") or _is_left_out(entry.name):
        raise BadInput(
            f"{name} is a zip archive that breaks off; its first file is {shown(entry.name)}, not a table.",
            hint="Copy or send it again.",
        )
    why = "the zip archive has no readable directory: it was cut off or damaged, and may hold more"
    return Member(entry.name, _opened(file, entry, name, unfolding, why))
