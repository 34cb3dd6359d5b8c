"""A zip of pictures, with a table beside them or none: how a catalog is tried on a laptop.

The pictures are unpacked into a folder, which is then read as any folder is; its name is the archive's digest, so the same archive is
unpacked once. What an archive says of itself is not trusted: names, sizes, links and ratios are checked, and the bytes are counted.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from producer.decompression_limit import (
    DecompressedSize,
    DecompressionLimit,
    DecompressionLimitExceeded,
)
from producer.formats import FORMATS
from producer.image_suffixes import IMAGE_SUFFIXES
from producer.packed.archive import WORKBOOK_PARTS, CountedFile, DirectoryTooLarge
from producer.row_errors import reason, shown
from producer.source import Source
from vitrine.core.errors import BadInput

ZIP_MAGIC = b"PK\x03\x04"
UPLOADS = "uploads"  #: The folder for unpacked archives in the data directory.
MAX_MEMBERS = 100_000
MAX_NAME_BYTES = 1024
COPY_BYTES = 1024 * 1024

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]")
_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What `zipfile` raises for damaged, encrypted and unusual members."""


@dataclass(frozen=True, slots=True)
class PictureArchive:
    """An unpacked archive."""

    folder: Path  #: Absolute; all of its pictures are beneath it.
    table: Path | None  #: The catalog among its files; None if it holds pictures only.

    def source(self, name: str) -> Source:
        """The unpacked catalog, whose paths start where it lies, or the folder of pictures; `name` is the archive's."""
        table = self.table
        if table is None:
            return Source(name, self.folder.open, path=self.folder, folder=self.folder)  # type: ignore[arg-type]  # a folder is listed, not opened
        return Source(
            f"{name}/{table.relative_to(self.folder)}",
            lambda: table.open("rb"),
            path=table,
            folder=table.parent,
        )


def holds_pictures(file: IO[bytes], name: str) -> bool:
    """Whether it is a zip with a picture in it; `file` is seekable and is left at its beginning. Raises `BadInput` as `unpack` does."""
    with _opened(file, name) as archive:
        return archive is not None and any(_is_picture(path) for path, _ in _members(archive, name))


def unpack(
    file: IO[bytes], name: str, into: Path, limit: DecompressionLimit | None = None
) -> PictureArchive | None:
    """Unpack a zip that holds pictures beneath `into`; None if it holds none, is a workbook, or is not a whole zip.

    `file` is seekable and is left at its beginning. Raises `BadInput` for an archive that is damaged, encrypted, unsafe, or holds
    several tables.
    """
    with _opened(file, name) as archive:
        if archive is None:
            return None
        members = list(_members(archive, name))
        if not any(_is_picture(path) for path, _ in members):
            return None
        tables = [path for path, _ in members if _is_table(path)]
        if len(tables) > 1:
            listed = ", ".join(shown(str(path), 40) for path in tables[:3])
            raise BadInput(
                f"{name} holds several tables: {listed}.", hint="Leave one of them in it."
            )
        folder = into / _digest(file)
        _extract_once(archive, members, folder, name, limit)
        return PictureArchive(folder, folder / tables[0] if tables else None)


@contextmanager
def _opened(file: IO[bytes], name: str) -> Iterator[zipfile.ZipFile | None]:
    """The zip, with errors of its members as `BadInput`; None for a workbook and for what has no directory of a zip."""
    try:
        archive = _directory(file)
        if archive is None:
            yield None
            return
        with archive:
            yield archive
    except _READ_ERRORS as error:
        raise BadInput(f"{name} cannot be unpacked: {reason(error)}.") from error
    finally:
        file.seek(0)


def _directory(file: IO[bytes]) -> zipfile.ZipFile | None:
    file.seek(0)
    if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
        return None
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", CountedFile(file)))
    except (*_READ_ERRORS, DirectoryTooLarge):
        return None  # cut off or damaged: what reads a packed table says so
    is_workbook = any(part in archive.namelist() for part in WORKBOOK_PARTS)
    return None if is_workbook else archive


def _members(
    archive: zipfile.ZipFile, name: str
) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """The files of the archive, without folders, hidden files and what macOS adds."""
    listed = archive.infolist()
    if len(listed) > MAX_MEMBERS:
        raise BadInput(f"{name} holds {len(listed):,} files; at most {MAX_MEMBERS:,} are unpacked.")
    seen: set[PurePosixPath] = set()
    for info in listed:
        path = PurePosixPath(info.filename)
        if info.is_dir() or _is_hidden(path):
            continue
        _check_safe(info, path, name)
        if path in seen:
            raise BadInput(f"{name} holds the file {shown(info.filename)} twice.")
        seen.add(path)
        yield path, info


def _check_safe(info: zipfile.ZipInfo, path: PurePosixPath, name: str) -> None:
    mode = info.external_attr >> 16
    wrong = (
        "an absolute path" if path.is_absolute() else
        "a path that leaves the archive" if ".." in path.parts else
        "a name with control characters, \\ or :" if _UNSAFE.search(info.filename) else
        "a name that is too long" if len(info.filename.encode(errors="surrogatepass")) > MAX_NAME_BYTES else
        "a link" if stat.S_ISLNK(mode) else
        "an encrypted file" if info.flag_bits & 1 else
        None
    )  # fmt: skip
    if wrong is not None:
        raise BadInput(f"{name} holds {wrong}: {shown(info.filename)}.")


def _extract_once(
    archive: zipfile.ZipFile,
    members: Iterable[tuple[PurePosixPath, zipfile.ZipInfo]],
    folder: Path,
    name: str,
    limit: DecompressionLimit | None,
) -> None:
    """Extract into a folder beside, which gets its name once it is complete: a crash leaves no half of an archive behind it."""
    if folder.is_dir():
        return
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _extract(archive, members, partial, limit)
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was faster
                raise
    except DecompressionLimitExceeded as error:
        raise BadInput(f"{name} cannot be unpacked: {reason(error)}.") from error
    except OSError as error:
        raise BadInput(
            f"{name} cannot be unpacked into {folder.parent}: {(error.strerror or str(error)).lower()}.",
            hint="Free space there, or set VITRINE_DATA_DIR to another folder.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract(
    archive: zipfile.ZipFile,
    members: Iterable[tuple[PurePosixPath, zipfile.ZipInfo]],
    folder: Path,
    limit: DecompressionLimit | None,
) -> None:
    folder.mkdir(parents=True, mode=0o700)
    unpacked = DecompressedSize(limit)
    packed = 0
    for path, info in members:
        if not (_is_picture(path) or _is_table(path)):
            continue
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        packed += info.compress_size
        with archive.open(info) as source, target.open("xb") as out:
            while part := source.read(COPY_BYTES):
                unpacked.add(len(part), packed)
                out.write(part)


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()  # type: ignore[arg-type]  # any readable file will do


def _is_hidden(path: PurePosixPath) -> bool:
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in path.parts)


def _is_picture(path: PurePosixPath) -> bool:
    return path.suffix.lower().removeprefix(".") in IMAGE_SUFFIXES


def _is_table(path: PurePosixPath) -> bool:
    suffixes = tuple(
        suffix for spec in FORMATS.values() for suffix in (*spec.suffixes, *spec.maybe)
    )
    return path.name.lower().endswith(suffixes)
