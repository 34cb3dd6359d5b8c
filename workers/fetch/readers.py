"""Readers of pictures that are not at http(s) URLs: one for each other scheme of `vitrine.core.schemes`.

A source that is HTTP beneath (an object store) asks through `ReaderContext.fetch_http`, where its requests keep to the
limits, and where addresses and redirects are judged; a reader that connects by itself has none of that, and judges for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from vitrine.core.schemes import FILE, SFTP, STORES
from workers.byte_budget import ByteBudget
from workers.fetch.files import FileReader
from workers.fetch.policy import FetchPolicy
from workers.fetch.remote_readers import SftpReader, StoreReader
from workers.fetch.result import FetchedPicture


class PictureReader(Protocol):
    """Reads the pictures of one scheme in its own threads."""

    def read(self, url: str, root: str | None) -> Future[FetchedPicture]:
        """Start to read a picture; the future returns a `FetchedPicture` or raises `ItemFailure`, nothing else.

        `root` is the folder that the job's files must be in; None if the job may not read files.
        """

    def close(self) -> None:
        """Finish the reads that are running and cancel the rest."""


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """What a reader works with."""

    policy: FetchPolicy
    held: ByteBudget  #: What the bytes of its pictures count against.
    fetch_http: Callable[[str], Future[FetchedPicture]]
    """Fetches an http(s) URL as if the catalog had named it; every check is made."""


MakeReader: TypeAlias = Callable[[ReaderContext], PictureReader]

READERS: dict[str, MakeReader] = {
    FILE.name: lambda context: FileReader(context.policy, context.held),
    **{scheme.name: lambda context: StoreReader(context.policy, context.held) for scheme in STORES},
    SFTP.name: lambda context: SftpReader(context.policy, context.held),
}
"""By scheme: what makes its reader."""
