"""Readers of pictures in object stores (s3, gs, az) and on SFTP hosts.

They connect outside of curl: a store by the operator's configuration, so that a catalog chooses a bucket and never an address; an SFTP
host at an address that was judged, if its key is known. Each has a small pool of threads, which starts with its first picture.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor

from vitrine.core.errors import VitrineError
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.object_stores import ObjectStores, content, object_name
from vitrine.net.sftp import SftpConnection, SftpFile, read_part, sftp_file, sftp_options
from workers.byte_budget import ByteBudget, ByteReservation
from workers.fetch.policy import FetchPolicy
from workers.fetch.response_head import too_large
from workers.fetch.result import FetchedPicture

STORE_THREADS = 32
SFTP_THREADS = 8
"""At most this many connections to one host: OpenSSH refuses logins from the eleventh that is under way."""


class RemoteReader(ABC):
    """Reads pictures in threads, within the policy's size and the process's memory."""

    def __init__(self, policy: FetchPolicy, held: ByteBudget, threads: int, name: str) -> None:
        self.policy = policy
        self._held = held
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def read(self, url: str, root: str | None) -> Future[FetchedPicture]:  # noqa: ARG002 - files have one
        """Read one picture; the future returns a `FetchedPicture` or raises `ItemFailure`."""
        try:
            return self._pool.submit(self._read, url)
        except RuntimeError:  # the pool is shut down
            future: Future[FetchedPicture] = Future()
            future.set_exception(_closed())
            return future

    def close(self) -> None:
        """Finish the reads that are running and cancel the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self, url: str) -> FetchedPicture:
        try:
            return self.fetch(url)
        except VitrineError as error:
            # A library or a profile that is missing: nothing about this picture changes it.
            raise ItemFailure(FailureReason.HTTP_ERROR, str(error)) from None

    @abstractmethod
    def fetch(self, url: str) -> FetchedPicture:
        """Read one picture; raises `ItemFailure`, and `VitrineError` for what the whole worker lacks."""

    def hold(self, size: int) -> ByteReservation:
        """Wait for the memory of a picture; raises `ItemFailure` for one that is empty or too large."""
        if size > self.policy.max_bytes:
            raise too_large(self.policy.max_bytes)
        if not size:
            raise ItemFailure(FailureReason.NOT_AN_IMAGE, "empty")
        if not self._held.wait_and_take(size):
            raise _closed()
        return ByteReservation(self._held, size)


class StoreReader(RemoteReader):
    """Pictures in object stores."""

    def __init__(self, policy: FetchPolicy, held: ByteBudget) -> None:
        super().__init__(policy, held, STORE_THREADS, "fetch-store")
        self._stores = ObjectStores(
            policy.hosts,
            os.environ,
            connect_timeout=policy.connect_timeout,
            timeout=policy.timeout,
        )

    def fetch(self, url: str) -> FetchedPicture:
        """Ask for the object, look at its size, and only then read it."""
        result = self._stores.get(object_name(url))
        hold = self.hold(int(result.meta["size"]))
        return FetchedPicture(content(result), url, 200, result.meta["e_tag"], hold=hold)


class SftpReader(RemoteReader):
    """Pictures on SFTP hosts: each thread keeps one connection, to the host that it was last at."""

    def __init__(self, policy: FetchPolicy, held: ByteBudget) -> None:
        super().__init__(policy, held, SFTP_THREADS, "fetch-sftp")
        self._mine = threading.local()
        self._open: set[SftpConnection] = set()
        self._lock = threading.Lock()

    def fetch(self, url: str) -> FetchedPicture:
        """Read the file; over a connection that was kept and has broken, a second time over a new one."""
        name = sftp_file(url)
        kept = getattr(self._mine, "connection", None)
        if kept is not None and self._mine.place == (name.host, name.port, name.user):
            try:
                return self._content(kept, name, url)
            except ItemFailure as failure:
                if not failure.reason.transient:
                    raise
        return self._content(self._connected(name), name, url)

    def close(self) -> None:
        """Finish the reads that are running, then close the connections."""
        super().close()
        for connection in self._open:
            connection.close()

    def _content(self, connection: SftpConnection, name: SftpFile, url: str) -> FetchedPicture:
        file, size, _ = connection.open(name.path)
        with file:
            hold = self.hold(size)
            return FetchedPicture(read_part(file, 0, size), url, 200, hold=hold)

    def _connected(self, name: SftpFile) -> SftpConnection:
        kept = getattr(self._mine, "connection", None)
        if kept is not None:
            self._mine.connection = None
            kept.close()
            with self._lock:
                self._open.discard(kept)
        made = SftpConnection(
            name.host,
            name.port,
            name.user,
            sftp_options(self.policy.hosts, name),
            self.policy.rules,
            connect_timeout=self.policy.connect_timeout,
            timeout=self.policy.timeout,
        )
        with self._lock:
            self._open.add(made)
        self._mine.connection, self._mine.place = made, (name.host, name.port, name.user)
        return made


def _closed() -> ItemFailure:
    return ItemFailure(FailureReason.CONNECTION_FAILED, "the fetcher was closed")
