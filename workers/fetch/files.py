"""Reads pictures from `file:` URLs, only if the policy allows it and only inside the job's folder.

Symbolic links are resolved first, and the result must be inside the folder. Then the path is opened part by
part without following links, so a link that is swapped in meanwhile cannot lead anywhere.
"""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import Future, ThreadPoolExecutor

from vitrine.core.schemes import local_path
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.url import bad_url
from workers.byte_budget import ByteBudget, ByteReservation
from workers.fetch.policy import FetchPolicy
from workers.fetch.response_head import too_large
from workers.fetch.result import FetchedPicture

THREADS = 4
"""Enough to keep a disk busy; a hanging network mount blocks only these."""

_REASONS = {
    errno.ENOENT: FailureReason.NOT_FOUND,
    errno.ENOTDIR: FailureReason.NOT_FOUND,
    errno.ELOOP: FailureReason.NOT_FOUND,
    errno.ENAMETOOLONG: FailureReason.NOT_FOUND,
    errno.ENXIO: FailureReason.NOT_AN_IMAGE,  # a socket
    errno.EACCES: FailureReason.HTTP_ERROR,
    errno.EPERM: FailureReason.HTTP_ERROR,
}
"""What the system's errors mean. Any other error (a faulty disk or mount) counts as transient."""


class FileReader:
    """Reads files in a small thread pool, which starts with the first file."""

    def __init__(self, policy: FetchPolicy, held: ByteBudget) -> None:
        self._policy = policy
        self._held = held
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch-file")

    def read(self, url: str, root: str | None) -> Future[FetchedPicture]:
        """Read one file; the future returns a `FetchedPicture` or raises `ItemFailure`."""
        try:
            return self._pool.submit(self._read, url, root)
        except RuntimeError:  # the pool is shut down
            future: Future[FetchedPicture] = Future()
            future.set_exception(_closed())
            return future

    def close(self) -> None:
        """Finish the reads that are running and cancel the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, url: str, root: str | None) -> FetchedPicture:
        if not self._policy.files or root is None:
            raise bad_url("files are not read for this job")
        try:
            parts = _parts_beneath(os.path.realpath(root), os.path.realpath(_path(url)))
            descriptor = _open_beneath(os.path.realpath(root), parts)
            try:
                return self._content(descriptor, url)
            finally:
                os.close(descriptor)
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, FailureReason.CONNECTION_FAILED)
            raise ItemFailure(reason, f"the file cannot be read: {error.strerror}") from None

    def _content(self, descriptor: int, url: str) -> FetchedPicture:
        status = os.fstat(descriptor)
        limit = self._policy.max_bytes
        if not stat.S_ISREG(status.st_mode):
            raise ItemFailure(FailureReason.NOT_AN_IMAGE, "not a regular file")
        if status.st_size > limit:
            raise too_large(limit)
        if not self._held.wait_and_take(status.st_size):
            raise _closed()
        hold = ByteReservation(self._held, status.st_size)
        data = _read_all(descriptor, limit)
        return FetchedPicture(data, url, 200, hold=hold)


def _read_all(descriptor: int, limit: int) -> bytes:
    pieces, size = list[bytes](), 0
    # Read at most one byte above the limit, whatever size the file had: it may be growing.
    while piece := os.read(descriptor, min(1 << 20, limit + 1 - size)):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large(limit)
    if not size:
        raise ItemFailure(FailureReason.NOT_AN_IMAGE, "empty")
    return b"".join(pieces)


def _closed() -> ItemFailure:
    return ItemFailure(FailureReason.CONNECTION_FAILED, "the fetcher was closed")


def _path(url: str) -> str:
    try:
        return local_path(url)
    except ValueError as error:
        raise bad_url(str(error)) from None


def _parts_beneath(root: str, path: str) -> list[str]:
    if path == root or os.path.commonpath((root, path)) != root:
        raise ItemFailure(
            FailureReason.FORBIDDEN_ADDRESS, "the file is not beneath the job's folder"
        )
    return os.path.relpath(path, root).split(os.sep)


def _open_beneath(root: str, parts: list[str]) -> int:
    """Open a file part by part without following links. Without O_NONBLOCK, opening a FIFO would wait for a writer."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=folder)
    finally:
        os.close(folder)
