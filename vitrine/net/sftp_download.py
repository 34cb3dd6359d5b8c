"""A catalog on an SFTP host as a stream; a connection that breaks is opened again, if the file is still the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.sftp import SftpConnection, read_part

if TYPE_CHECKING:
    from typing_extensions import Buffer

PIECE = 4 * 1024 * 1024
MAX_RESUMES = 3


class SftpDownload(io.RawIOBase):
    """The bytes of one file, at most `max_bytes`; `connect` logs in to its host. Raises `ItemFailure` if it cannot be opened."""

    def __init__(self, connect: Callable[[], SftpConnection], path: str, *, max_bytes: int) -> None:
        self._connect = connect
        self._path = path
        self._read = 0
        self._piece = memoryview(b"")
        self._connection, self._file, self.version = self._opened()
        if self.version[0] > max_bytes:
            self._connection.close()
            raise ItemFailure(FailureReason.TOO_LARGE, f"more than {max_bytes:,} bytes")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read some bytes into a buffer, none at the end; raises `OSError` that says why and where."""
        if not self._piece and self._read < self.version[0]:
            try:
                self._next_piece()
            except ItemFailure as failure:
                raise OSError(f"{failure.detail}, after {self._read:,} bytes") from None
        target = memoryview(buffer).cast("B")
        data, self._piece = self._piece[: len(target)], self._piece[len(target) :]
        target[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        if not self.closed:
            self._connection.close()
        super().close()

    def _opened(self) -> tuple[SftpConnection, object, tuple[int, float]]:
        connection = self._connect()
        try:
            file, size, changed = connection.open(self._path)
        except BaseException:
            connection.close()
            raise
        return connection, file, (size, changed)

    def _next_piece(self) -> None:
        for attempt in range(MAX_RESUMES + 1):
            try:
                if attempt:
                    self._resume()
                size = min(PIECE, self.version[0] - self._read)
                found = read_part(self._file, self._read, size)
            except ItemFailure as failure:
                if attempt == MAX_RESUMES or not failure.reason.transient:
                    raise
                continue
            self._piece = memoryview(found)
            self._read += len(found)
            return

    def _resume(self) -> None:
        self._connection.close()
        connection, file, version = self._opened()
        if version != self.version:
            connection.close()
            raise ItemFailure(FailureReason.HTTP_ERROR, "the file changed while it was read")
        self._connection, self._file = connection, file
