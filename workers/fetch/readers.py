"""Readers for pictures that do not come over HTTP, one for each other scheme in `vitrine.core.schemes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Protocol, TypeAlias

from vitrine.core.schemes import FILE
from workers.byte_budget import ByteBudget
from workers.fetch.files import FileReader
from workers.fetch.policy import FetchPolicy
from workers.fetch.result import FetchedPicture


class PictureReader(Protocol):
    """Reads the pictures of one scheme in its own threads."""

    def read(self, url: str, root: str | None) -> Future[FetchedPicture]:
        """Start to read a picture; the future returns a `FetchedPicture` or raises `ItemFailure`, nothing else.

        `root` is the folder that the job's files must be in; None if the job may not read files.
        """

    def close(self) -> None:
        """Finish the reads that are running and cancel the rest."""


MakeReader: TypeAlias = Callable[[FetchPolicy, ByteBudget], PictureReader]

READERS: Mapping[str, MakeReader] = {FILE.name: FileReader}
"""Maps a scheme to a factory, which takes the policy and the budget that counts the pictures' bytes."""
